//! DER, strictly: what keys, certificates and time stamps need to be read, and to be written.

/// Reads elements one after the other. Lengths must be in their shortest form and tags in one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader<'a>(&'a [u8]);

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    pub tag: u8,
    pub contents: &'a [u8],
    /// Tag, length and contents.
    pub whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub const fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next element, whatever its tag.
    pub fn any(&mut self) -> Option<Element<'a>> {
        let (tag, contents, rest) = element(self.0)?;
        let whole = self.0.get(..self.0.len() - rest.len())?;
        self.0 = rest;
        Some(Element { tag, contents, whole })
    }

    /// The next element, which must be of `tag`.
    pub fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        self.any().filter(|element| element.tag == tag)
    }

    /// The contents of the next element, which must be of `tag`.
    pub fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.element(tag).map(|element| element.contents)
    }

    /// A reader of the contents of the next element, which must be of `tag`.
    pub fn inside(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.take(tag).map(Reader)
    }

    /// The contents of the next element if it is of `tag`; anything else stays where it is.
    pub fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        if self.0.first() == Some(&tag) { self.take(tag) } else { None }
    }

    /// Nothing may follow.
    pub const fn end(self) -> Option<()> {
        if self.0.is_empty() { Some(()) } else { None }
    }
}

/// One element: its tag, its contents, and what follows it.
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
        0x83 => {
            let ([high, middle, low], rest) = rest.split_first_chunk::<3>()?;
            let length = usize::try_from(u32::from_be_bytes([0, *high, *middle, *low])).ok()?;
            (length.checked_sub(0x1_0000)? + 0x1_0000, rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    (tag & 0x1f != 0x1f).then_some((*tag, contents, rest))
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

/// Whether contents are an INTEGER in its shortest form, of either sign.
pub fn is_integer(contents: &[u8]) -> bool {
    match contents {
        [] => false,
        [0, second, ..] => second & 0x80 != 0,
        [0xff, second, ..] => second & 0x80 == 0,
        _ => true,
    }
}

/// A BOOLEAN of DER: all ones or all zeros.
pub fn boolean(contents: &[u8]) -> Option<bool> {
    match contents {
        [0xff] => Some(true),
        [0] => Some(false),
        _ => None,
    }
}

/// Wraps contents in one element.
pub fn wrap(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).unwrap_or(u32::MAX).to_be_bytes();
    let [_, high, middle, low] = length;
    let mut bytes = vec![tag];
    match contents.len() {
        0..=0x7f => bytes.push(low),
        0x80..=0xff => bytes.extend([0x81, low]),
        0x100..=0xffff => bytes.extend([0x82, middle, low]),
        _ => bytes.extend([0x83, high, middle, low]),
    }
    bytes.extend_from_slice(contents);
    bytes
}

/// The elements of a SET OF in the order that DER demands.
pub fn sorted(mut elements: Vec<&[u8]>) -> Vec<u8> {
    elements.sort_unstable();
    elements.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrapped_is_read_at_every_length_of_length() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
            let contents = vec![7; length];
            let bytes = wrap(4, &contents);
            assert_eq!(only(&bytes, 4), Some(contents.as_slice()), "{length}");
            assert_eq!(only(&bytes[..bytes.len() - 1], 4), None, "{length}, cut");
        }
    }

    #[test]
    fn lengths_that_are_not_the_shortest_are_refused() {
        for bytes in [&[4, 0x81, 1, 7][..], &[4, 0x82, 0, 1, 7], &[4, 0x83, 0, 0, 1, 7], &[4, 0x80, 0, 0], &[0x1f, 0]] {
            assert_eq!(element(bytes), None, "{bytes:02x?}");
        }
        assert!(is_integer(&[0]) && is_integer(&[0x80]) && is_integer(&[0, 0x80]) && is_integer(&[0xff]));
        assert!(!is_integer(&[]) && !is_integer(&[0, 1]) && !is_integer(&[0xff, 0x80]));
        assert_eq!((boolean(&[1]), boolean(&[0xff]), boolean(&[0])), (None, Some(true), Some(false)));
    }

    #[test]
    fn an_element_that_is_not_there_is_left_where_it_is() {
        let mut reader = Reader::new(&[2, 1, 5, 4, 0]);
        assert_eq!(reader.optional(4), None);
        assert_eq!(reader.take(2), Some(&[5][..]));
        assert_eq!(reader.end(), None);
        assert_eq!(reader.any().map(|element| element.whole), Some(&[4, 0][..]));
        assert_eq!(reader.end(), Some(()));
    }
}
