//! Strings and numbers of JSON as they are written (RFC 8259, sections 6 and 7).

use super::jcs;
use super::json::Fault;

/// How many bytes of a string come before its end, an escape or a control character: eight at a time, as most of a
/// document is strings.
pub(super) fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // The high bit of each byte below `least`; of those that come behind one that is, it may be set as well.
    let below = |word: u64, least: u64| word.wrapping_sub(ONES * least) & !word & HIGHS;
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let escape = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = below(word, 0x20) | quote | escape;
        if found != 0 {
            return 8 * at + found.trailing_zeros() as usize / 8;
        }
    }
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    8 * words.len() + rest.iter().position(special).unwrap_or(rest.len())
}

/// Whether a name comes before another in RFC 8785: by UTF-16 code units, which is by bytes where both are ASCII.
pub(super) fn precedes(name: &str, other: &str) -> bool {
    if name.is_ascii() && other.is_ascii() { name < other } else { name.encode_utf16().lt(other.encode_utf16()) }
}

pub(super) fn unescape(raw: &str) -> Result<String, Fault> {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        text.push(match chars.next().ok_or(Fault::Syntax)? {
            '"' => '"',
            '\\' => '\\',
            '/' => '/',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => escaped_char(&mut chars)?,
            _ => return Err(Fault::Syntax),
        });
    }
    Ok(text)
}

fn escaped_char(chars: &mut std::str::Chars<'_>) -> Result<char, Fault> {
    let high = four_hex(chars)?;
    if !(0xd800..0xe000).contains(&high) {
        return char::from_u32(high).ok_or(Fault::LoneSurrogate);
    }
    let paired = high < 0xdc00 && chars.next() == Some('\\') && chars.next() == Some('u');
    let low = if paired { four_hex(chars)? } else { return Err(Fault::LoneSurrogate) };
    if !(0xdc00..0xe000).contains(&low) {
        return Err(Fault::LoneSurrogate);
    }
    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or(Fault::LoneSurrogate)
}

fn four_hex(chars: &mut std::str::Chars<'_>) -> Result<u32, Fault> {
    let mut value = 0;
    for _ in 0..4 {
        let digit = chars.next().and_then(|c| c.to_digit(16)).ok_or(Fault::Syntax)?;
        value = value << 4 | digit;
    }
    Ok(value)
}

/// Whether the canonical form of the double nearest to `text` has the value of `text`. Asked of the canonical writer itself:
/// where two shortest forms are equally near, others choose another.
pub(super) fn is_exact(text: &str) -> bool {
    let Ok(double) = text.parse::<f64>() else { return false };
    double.is_finite() && std::str::from_utf8(&jcs::of_double(double)).is_ok_and(|form| decimal(text) == decimal(form))
}

/// Significant digits without leading and trailing zeros, and the power of ten of the last one.
fn decimal(text: &str) -> Option<(bool, Vec<u8>, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let negative = mantissa.starts_with('-');
    let mantissa = mantissa.trim_start_matches('-');
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut power = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).skip_while(|b| *b == b'0').collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
        power += 1;
    }
    if digits.is_empty() { Some((false, digits, 0)) } else { Some((negative, digits, power)) }
}
