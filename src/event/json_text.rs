//! Strings and numbers of JSON as they are written (RFC 8259, sections 6 and 7).

use std::borrow::Cow;

use super::jcs;
use super::json::Fault;

/// How many bytes of a string come before its end, an escape or a control character: eight at a time, and in what is long
/// 64 at a time, as most of a document is strings.
pub(super) fn plain(bytes: &[u8]) -> usize {
    const SHORT: usize = 32;
    let (start, long) = bytes.split_at_checked(SHORT).unwrap_or((bytes, &[]));
    let at = by_words(start);
    if at < SHORT {
        return at;
    }
    // Without a way out in the middle, this is done by vectors.
    let is_plain = |block: &&[u8; 64]| block.iter().fold(true, |plain, byte| plain & !is_special(*byte));
    let (blocks, _) = long.as_chunks();
    let skipped = SHORT + 64 * blocks.iter().take_while(is_plain).count();
    skipped + by_words(bytes.get(skipped..).unwrap_or_default())
}

/// What ends a run of plain bytes.
const fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | (byte < 0x20)
}

fn by_words(bytes: &[u8]) -> usize {
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
    8 * words.len() + rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len())
}

/// A string of a text, where it lies between its quotes.
#[derive(Clone, Copy, Default)]
pub(super) struct Text {
    pub from: usize,
    pub to: usize,
    pub escaped: bool,
}

impl Text {
    /// What it says; its escapes were found right.
    pub fn of(self, text: &str) -> Cow<'_, str> {
        let raw = text.get(self.from..self.to).unwrap_or_default();
        match self.escaped {
            true => unescape(raw).map_or(Cow::Borrowed(raw), Cow::Owned),
            false => Cow::Borrowed(raw),
        }
    }
}

/// The name of a member.
#[derive(Clone, Copy)]
pub(super) struct Name {
    /// The first eight bytes as one number, of which the order is that of the bytes; a shorter name ends in zeros. Most
    /// names are told apart by it.
    start: u64,
    pub text: Text,
}

impl Name {
    pub fn new(name: Text, text: &str) -> Self {
        let here = text.as_bytes().get(name.from..).and_then(<[u8]>::first_chunk::<8>).filter(|_| !name.escaped);
        let start = match here {
            // What is behind a short name is no part of it.
            Some(here) => {
                let behind = u32::try_from(8 * (name.to - name.from)).ok().and_then(|bits| u64::MAX.checked_shr(bits));
                u64::from_be_bytes(*here) & !behind.unwrap_or_default()
            }
            None => {
                let mut start = [0; 8];
                start.iter_mut().zip(name.of(text).bytes()).for_each(|(place, byte)| *place = byte);
                u64::from_be_bytes(start)
            }
        };
        Name { start, text: name }
    }

    /// Whether both are one name; those that differ by ASCII case alone are, where names are folded.
    pub fn is(self, other: Name, text: &str, folded: bool) -> bool {
        const CASE: u64 = u64::from_be_bytes([0x20; 8]);
        let (same, alike) = (self.start == other.start, (self.start ^ other.start) & !CASE == 0);
        match folded {
            true => alike && self.text.of(text).eq_ignore_ascii_case(&other.text.of(text)),
            false => same && self.text.of(text) == other.text.of(text),
        }
    }

    /// Whether it comes before another in RFC 8785.
    pub fn precedes(self, other: Name, text: &str) -> bool {
        const NOT_ASCII: u64 = u64::from_be_bytes([0x80; 8]);
        let decided = self.start != other.start && (self.start | other.start) & NOT_ASCII == 0;
        if decided { self.start < other.start } else { precedes(&self.text.of(text), &other.text.of(text)) }
    }
}

/// Whether a name comes before another in RFC 8785: by UTF-16 code units, which is by bytes where both are ASCII.
pub(super) fn precedes(name: &str, other: &str) -> bool {
    if name.is_ascii() && other.is_ascii() { name < other } else { name.encode_utf16().lt(other.encode_utf16()) }
}

/// Whether a number is an integer that everybody writes alike (and no `-0`).
pub(super) fn is_short_integer(text: &str) -> bool {
    const SURE: usize = 15;
    text.len() <= SURE && !text.contains(['.', 'e', 'E']) && text != "-0"
}

pub(super) fn unescape(raw: &str) -> Result<String, Fault> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, escaped)) = rest.split_once('\\') {
        text.push_str(before);
        let mut chars = escaped.chars();
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
        rest = chars.as_str();
    }
    text.push_str(rest);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_run_of_plain_bytes_ends_where_it_should(before in 0..200_usize, special in "[\"\\\\\u{0}\u{1f}]", after in "[ -~é]{0,70}") {
            let text = "é~ !".repeat(60).chars().take(before).collect::<String>();
            prop_assert_eq!(plain((text.clone() + &special + &after).as_bytes()), text.len());
            let all = text + &after.replace(['"', '\\'], "");
            prop_assert_eq!(plain(all.as_bytes()), all.len());
        }

        #[test]
        fn a_name_begins_alike_wherever_it_stands(name in "[a-zé]{0,10}", behind in "[a-z\"]{0,12}") {
            let text = |behind: &str| format!("{name}{behind}");
            let of = |text: &str| Name::new(Text { from: 0, to: name.len(), escaped: false }, text).start;
            prop_assert_eq!(of(&text(&behind)), of(&name));
        }
    }
}
