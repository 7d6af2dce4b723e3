//! The little of DER that public keys need.

/// One element: its tag, its contents, and what follows it. Lengths must be in their shortest form.
pub fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => {
            let (length, rest) = rest.split_first()?;
            (usize::from(*length).checked_sub(0x80)? + 0x80, rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let length = usize::from(u16::from_be_bytes(*length));
            (length.checked_sub(0x100)? + 0x100, rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((*tag, contents, rest))
}

/// The contents of the one element that `bytes` are.
pub fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (found, contents, rest) = element(bytes)?;
    (found == tag && rest.is_empty()).then_some(contents)
}

/// The contents of a first element of `tag`, and what follows it.
pub fn first(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, contents, rest) = element(bytes)?;
    (found == tag).then_some((contents, rest))
}

/// The magnitude of a positive INTEGER in its shortest form.
pub fn positive(contents: &[u8]) -> Option<&[u8]> {
    match contents {
        [0, rest @ ..] if rest.first().is_some_and(|byte| byte & 0x80 != 0) => Some(rest),
        [first, ..] if *first != 0 && first & 0x80 == 0 => Some(contents),
        _ => None,
    }
}

/// Wraps contents in one element.
pub fn wrap(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match contents.len() {
        length @ 0..=0x7f => bytes.push(u8::try_from(length).unwrap_or_default()),
        length @ 0x80..=0xff => bytes.extend([0x81, u8::try_from(length).unwrap_or_default()]),
        length => {
            bytes.push(0x82);
            bytes.extend(u16::try_from(length).unwrap_or_default().to_be_bytes());
        }
    }
    bytes.extend_from_slice(contents);
    bytes
}
