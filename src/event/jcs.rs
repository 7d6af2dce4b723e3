//! RFC 8785 canonical JSON, for values that are compared or signed. What is verified is never re-serialised.

use std::borrow::Cow;

use super::Digest;
use super::json::{Form, Traits, examine_outlined};
use super::json_text::{is_short_integer, precedes};
use super::outline::{Outline, Value};

/// A number that a double cannot hold exactly: its canonical form would be another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a number of the document cannot be held exactly by a double")]
pub struct InexactNumber;

/// The canonical bytes of a value that this program built itself.
pub fn of_own_value(value: &serde_json::Value) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

/// A number as the canonical form writes it (RFC 8785, section 3.2.2.3).
pub fn of_double(double: f64) -> Vec<u8> {
    of_own_value(&serde_json::Value::from(double))
}

/// The canonical digest of a JSON document that passed the strict scan (`json::check`).
///
/// Integers beyond 2^53 are refused, and so is any number whose shortest double form differs in value from its text:
/// two different documents must never share a canonical digest. A document that is canonical already is not written anew.
pub fn canonical_digest(text: &[u8]) -> Result<Digest, InexactNumber> {
    let (traits, outline) = examine_outlined(text, 0).map_err(|_| InexactNumber)?;
    digest_of(traits, &outline)
}

/// The same of a document that was examined.
pub fn digest_of(traits: Traits, outline: &Outline<'_>) -> Result<Digest, InexactNumber> {
    match traits {
        Traits { numbers_exact: false, .. } => Err(InexactNumber),
        Traits { form: Form::Canonical, .. } => Ok(Digest::of(outline.text().as_bytes())),
        _ => Ok(Digest::of(&written(outline))),
    }
}

/// Whether `text` is JSON in its RFC 8785 form.
pub fn is_canonical(text: &[u8]) -> bool {
    let Ok((traits, outline)) = examine_outlined(text, 0) else { return false };
    match traits.form {
        Form::Canonical => true,
        Form::Unsure => traits.numbers_exact && written(&outline) == text,
        Form::Other => false,
    }
}

/// The canonical form of a document whose numbers are exact.
fn written(outline: &Outline<'_>) -> Vec<u8> {
    let mut into = Vec::with_capacity(outline.text().len());
    write(outline.root(), &mut into);
    into
}

/// What is canonical as it stands is copied from the text: literals, strings without escapes, short integers.
fn write(value: Value<'_, '_>, into: &mut Vec<u8>) {
    let raw = value.raw();
    match raw.as_bytes().first() {
        Some(b'{') => {
            let mut members: Vec<(Cow<'_, str>, Value<'_, '_>)> = value.inner().map(|one| (one.name(), one)).collect();
            // RFC 8785, section 3.2.3. No two names are the same, so one always comes before the other.
            if !members.is_sorted_by(|(name, _), (other, _)| precedes(name, other)) {
                members.sort_unstable_by(|(name, _), (other, _)| precedes(other, name).cmp(&precedes(name, other)));
            }
            nested(b"{}", members, into, |(name, one), into| {
                string(name, into);
                into.push(b':');
                write(one, into);
            });
        }
        Some(b'[') => nested(b"[]", value.inner(), into, write),
        Some(b'"') => string(value.text().unwrap_or_default(), into),
        Some(b'-' | b'0'..=b'9') if !is_short_integer(raw) => {
            into.extend_from_slice(&raw.parse().map(of_double).unwrap_or_default());
        }
        _ => into.extend_from_slice(raw.as_bytes()),
    }
}

fn nested<T>(
    around: &[u8; 2],
    values: impl IntoIterator<Item = T>,
    into: &mut Vec<u8>,
    write: impl Fn(T, &mut Vec<u8>),
) {
    let [open, close] = *around;
    into.push(open);
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            into.push(b',');
        }
        write(value, into);
    }
    into.push(close);
}

/// A string; one that is borrowed was written without escapes and needs none.
fn string(text: Cow<'_, str>, into: &mut Vec<u8>) {
    match text {
        Cow::Borrowed(text) => {
            into.push(b'"');
            into.extend_from_slice(text.as_bytes());
            into.push(b'"');
        }
        // Its escapes are those of RFC 8785, section 3.2.2.2. Nothing fails that is written to memory.
        Cow::Owned(text) => drop(serde_json::to_writer(into, &text)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// JSON as people write it: any order of members, space, escapes that need not be, numbers in any form.
    fn texts() -> impl Strategy<Value = String> {
        let text = prop_oneof![
            "[a-c]{0,3}",
            "[a-z\u{7f}é€\u{e000}\u{ffff}\u{10000}\u{10ffff}]{0,12}",
            r#"(\\["\\/bfnrt]|\\u00[01][0-9a-fA-F]|\\u(d83d|D83D)\\ude00|\\u[eE]0[0-9]a|[a-z]){0,4}"#,
        ];
        let text = text.prop_map(|text| format!("\"{text}\"")).boxed();
        // Of so many digits that serde_json, which is the crate's reader, reads the nearest double.
        let number = r"-?(0|[1-9][0-9]{0,6})(\.[0-9]{1,7})?([eE][+-]?[0-9])?";
        let leaf = prop_oneof![r"null|true|false", text.clone(), "-?[1-9][0-9]{0,17}", number];
        leaf.prop_recursive(4, 48, 20, move |inner| {
            let list = prop::collection::vec((inner.clone(), "[ \n\t]{0,2}"), 0..20);
            let members = prop::collection::vec((text.clone(), inner, "[ \r]{0,2}"), 0..20);
            prop_oneof![
                list.prop_map(|list| {
                    let list: Vec<String> = list.into_iter().map(|(value, space)| space + &value).collect();
                    format!("[{}]", list.join(","))
                }),
                members.prop_map(|members| {
                    let member =
                        |(name, value, space): (String, String, String)| format!("{space}{name}{space}:{value}");
                    let members: Vec<String> = members.into_iter().map(member).collect();
                    format!("{{{}}}", members.join(" ,"))
                }),
            ]
        })
    }

    /// A reader of JSON that is not exact takes the one number for the other.
    #[test]
    fn documents_whose_numbers_are_neighbours_share_no_digest() {
        let digest = |text: &str| canonical_digest(text.as_bytes()).unwrap();
        assert_ne!(digest("[ 90.42225290942383]"), digest("[ 90.42225290942385]"));
        assert_eq!(digest("[ 90.42225290942383]"), Digest::of(b"[90.42225290942383]"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_what_the_crate_writes(text in texts()) {
            let examined = examine_outlined(text.as_bytes(), 0).ok().filter(|(traits, _)| traits.numbers_exact);
            let Some((_, outline)) = examined else {
                prop_assert_eq!(canonical_digest(text.as_bytes()), Err(InexactNumber));
                return Ok(());
            };
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            let expected = of_own_value(&value);
            prop_assert_eq!(String::from_utf8(written(&outline)), String::from_utf8(expected.clone()));
            prop_assert_eq!(canonical_digest(text.as_bytes()), Ok(Digest::of(&expected)));
            prop_assert_eq!(is_canonical(text.as_bytes()), expected == text.as_bytes());
            prop_assert!(is_canonical(&expected));
        }

        #[test]
        fn a_number_is_that_of_the_nearest_double(bits in any::<u64>()) {
            let double = f64::from_bits(bits);
            prop_assume!(double.is_finite());
            for text in [format!("{double}"), format!("{double:e}"), format!("{double:E}")] {
                let (_, outline) = examine_outlined(text.as_bytes(), 0).unwrap();
                prop_assert_eq!(written(&outline), of_double(double), "{}", text);
            }
        }
    }
}
