//! The strict JSON scan that every input passes before anything is parsed (verification rule P1, RFC 8259, RFC 7493).
//!
//! Parsers disagree on duplicate members, trailing bytes, lone surrogates and deep nesting; a document on which two
//! parsers disagree must not carry a signature's meaning. The scan accepts exactly what all of them read alike.

use std::borrow::Cow;
use std::collections::HashSet;

use super::json_text::{Name, Text, is_exact, is_short_integer, plain, unescape};
use super::limits;
use super::outline::{Node, Outline};

crate::codes! {
    /// Why bytes are not JSON that everybody reads alike.
    pub enum Fault {
        NotUtf8 = "json-not-utf8",
        Syntax = "json-syntax",
        DuplicateMember = "json-duplicate-member",
        TooDeep = "json-too-deep",
        TrailingBytes = "json-trailing-bytes",
        ByteOrderMark = "json-byte-order-mark",
        LoneSurrogate = "json-lone-surrogate",
    }
}

/// Checks `bytes` to be one JSON value, strictly. O(length); no allocation for objects of few members.
pub fn check(bytes: &[u8]) -> Result<(), Fault> {
    Scan::of(bytes)?.document()
}

/// The same, where also two members may not differ by ASCII case alone in objects down to this depth (the outermost is 1):
/// some parsers of the shapes of evidence read names in any case, and the last one wins.
pub fn check_folded(bytes: &[u8], depth: usize) -> Result<(), Fault> {
    let mut scan = Scan::of(bytes)?;
    scan.folded = depth;
    scan.document()
}

/// How the text of a document stands to its RFC 8785 form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// It is that form, byte for byte.
    Canonical,
    /// It is not.
    Other,
    /// Only writing it anew can say: an escape, a number that is no short integer, or deep nesting.
    Unsure,
}

/// What one more scan says of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traits {
    /// Every number has, as a double, the decimal value that it is written with.
    pub numbers_exact: bool,
    pub form: Form,
}

/// What `check_folded` says, and where the values of the document lie.
pub fn outline_folded(bytes: &[u8], depth: usize) -> Result<Outline<'_>, Fault> {
    let mut scan = Scan::of(bytes)?.outlined();
    scan.folded = depth;
    scan.outline()
}

/// What `check` says, and where the members of the outermost object lie, without what is in them.
pub fn members(bytes: &[u8]) -> Result<Outline<'_>, Fault> {
    let mut scan = Scan::of(bytes)?;
    scan.outlined = Some(1);
    scan.outline()
}

/// What `check_folded` says, the traits of the document, and where its values lie, from one scan.
pub fn examine_outlined(bytes: &[u8], depth: usize) -> Result<(Traits, Outline<'_>), Fault> {
    let mut scan = Scan::of(bytes)?.outlined();
    (scan.examine, scan.folded) = (true, depth);
    scan.document()?;
    Ok((scan.traits(), Outline::new(scan.text, scan.nodes)))
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// Whether the traits are wanted.
    examine: bool,
    /// How many objects and arrays a value may be in for it to be wanted where it lies, and where those lie.
    outlined: Option<usize>,
    nodes: Vec<Node>,
    /// Down to this depth, names that differ by case alone are one.
    folded: usize,
    numbers_exact: bool,
    other: bool,
    unsure: bool,
    /// The member names of the objects that are open, one object behind the other.
    names: Vec<Name>,
}

impl<'a> Scan<'a> {
    /// Deeper than this, whoever writes a document anew may refuse it.
    const SURE_DEPTH: usize = 64;
    /// So many names of one object are compared with each other; more are hashed.
    const FEW: usize = 16;

    fn of(bytes: &'a [u8]) -> Result<Self, Fault> {
        if bytes.starts_with(b"\xef\xbb\xbf") {
            return Err(Fault::ByteOrderMark);
        }
        Ok(Scan {
            text: std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)?,
            at: 0,
            depth: 0,
            examine: false,
            outlined: None,
            nodes: Vec::new(),
            folded: 0,
            numbers_exact: true,
            other: false,
            unsure: false,
            names: Vec::new(),
        })
    }

    fn outlined(self) -> Self {
        Scan { outlined: Some(usize::MAX), nodes: Vec::with_capacity(self.text.len() / 32), ..self }
    }

    fn outline(mut self) -> Result<Outline<'a>, Fault> {
        self.document()?;
        Ok(Outline::new(self.text, self.nodes))
    }

    const fn traits(&self) -> Traits {
        let form = match (self.other, self.unsure) {
            (true, _) => Form::Other,
            (false, true) => Form::Unsure,
            (false, false) => Form::Canonical,
        };
        Traits { numbers_exact: self.numbers_exact, form }
    }

    fn document(&mut self) -> Result<(), Fault> {
        self.space();
        self.value(Text::default())?;
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(Fault::TrailingBytes) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
            self.other = true;
        }
    }

    fn expect(&mut self, literal: &str) -> Result<(), Fault> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(literal.as_bytes()) {
            return Err(Fault::Syntax);
        }
        self.at += literal.len();
        Ok(())
    }

    /// A value; `name` is that of the member which it is of.
    fn value(&mut self, name: Text) -> Result<(), Fault> {
        if self.outlined.is_none_or(|depth| self.depth > depth) {
            return self.bare().map(drop);
        }
        let (own, from) = (self.nodes.len(), self.at);
        self.nodes.push(Node::default());
        let escaped = self.bare()?;
        let node = Node::new(name, Text { from, to: self.at, escaped }, self.nodes.len());
        if let Some(place) = self.nodes.get_mut(own) {
            *place = node;
        }
        Ok(())
    }

    /// Whether the value is a string with escapes.
    fn bare(&mut self) -> Result<bool, Fault> {
        match self.peek().ok_or(Fault::Syntax)? {
            b'{' => self.nested(Self::object)?,
            b'[' => self.nested(Self::array)?,
            b'"' => return self.string().map(|text| text.escaped),
            b't' => self.expect("true")?,
            b'f' => self.expect("false")?,
            b'n' => self.expect("null")?,
            _ => self.number()?,
        }
        Ok(false)
    }

    fn nested(&mut self, body: fn(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > limits::JSON_DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        self.unsure |= self.depth > Self::SURE_DEPTH;
        self.at += 1;
        self.space();
        body(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn object(&mut self) -> Result<(), Fault> {
        let own = self.names.len();
        let mut many = None;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let name = self.name()?;
            if self.examine && !self.other {
                // The name before is the last one on the stack: objects within have left it.
                let before = self.names.get(own..).and_then(<[_]>::last);
                self.other = before.is_some_and(|before| !before.precedes(name, self.text));
            }
            if self.repeats(name, own, &mut many) {
                return Err(Fault::DuplicateMember);
            }
            self.names.push(name);
            self.space();
            self.expect(":")?;
            self.space();
            self.value(name.text)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    self.names.truncate(own);
                    return Ok(());
                }
                _ => return Err(Fault::Syntax),
            }
            self.space();
        }
    }

    fn name(&mut self) -> Result<Name, Fault> {
        let text = self.string()?;
        Ok(Name::new(text, self.text))
    }

    /// Whether the object, which has its names from `own` on, has this one already. A long object's are in `many`.
    fn repeats(&self, name: Name, own: usize, many: &mut Option<HashSet<Cow<'a, str>>>) -> bool {
        let before = self.names.get(own..).unwrap_or_default();
        let folds = self.depth <= self.folded;
        if before.len() < Self::FEW {
            return before.iter().any(|known| known.is(name, self.text, folds));
        }
        let folded = |name: &Name| match name.text.of(self.text) {
            text if folds && text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                Cow::Owned(text.to_ascii_lowercase())
            }
            text => text,
        };
        let many = many.get_or_insert_with(|| before.iter().map(folded).collect());
        !many.insert(folded(&name))
    }

    fn array(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(Text::default())?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(Fault::Syntax),
            }
            self.space();
        }
    }

    /// A string, whose escapes are right.
    fn string(&mut self) -> Result<Text, Fault> {
        self.expect("\"")?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain(self.text.as_bytes().get(self.at..).unwrap_or_default());
            match self.peek().ok_or(Fault::Syntax)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                _ => return Err(Fault::Syntax),
            }
        }
        if escaped {
            unescape(self.text.get(start..self.at).ok_or(Fault::Syntax)?)?;
        }
        let text = Text { from: start, to: self.at, escaped };
        self.at += 1;
        self.unsure |= escaped;
        Ok(text)
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Fault::Syntax) }
    }

    fn number(&mut self) -> Result<(), Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if self.examine {
            let text = self.text.get(start..self.at).unwrap_or_default();
            let plain = is_short_integer(text);
            self.unsure |= !plain;
            self.numbers_exact = self.numbers_exact && (plain || is_exact(text));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::jcs;

    fn traits(bytes: &[u8]) -> Option<Traits> {
        examine_outlined(bytes, 0).ok().map(|(traits, _)| traits)
    }

    #[test]
    fn what_every_parser_reads_alike_is_accepted() {
        for good in ["{}", " [1, -0.5e+3, true, null, \"\\ud83d\\ude00\"] ", r#"{"a":{"a":1},"b":[{"a":1}]}"#, "0"] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
    }

    #[test]
    fn each_disagreement_has_its_code() {
        let cases: &[(&[u8], Fault)] = &[
            (br#"{"a":1,"a":2}"#, Fault::DuplicateMember),
            (br#"{"a":1,"\u0061":2}"#, Fault::DuplicateMember),
            (b"{} x", Fault::TrailingBytes),
            (b"\xef\xbb\xbf{}", Fault::ByteOrderMark),
            (br#""\ud800""#, Fault::LoneSurrogate),
            (br#""\udc00\ud800""#, Fault::LoneSurrogate),
            (b"\"\xff\"", Fault::NotUtf8),
            (b"{\"a\":01}", Fault::Syntax),
            (b"[1,]", Fault::Syntax),
            (b"{\"a\":1,}", Fault::Syntax),
            (b"nul", Fault::Syntax),
            (b"\"\x01\"", Fault::Syntax),
            (b"\"abc", Fault::Syntax),
            (b"\"abc\\", Fault::Syntax),
            (b"", Fault::Syntax),
        ];
        for (bytes, fault) in cases {
            assert_eq!(check(bytes), Err(*fault), "{}", String::from_utf8_lossy(bytes));
        }
        let deep = "[".repeat(limits::JSON_DEPTH_MAX + 1);
        assert_eq!(check(deep.as_bytes()), Err(Fault::TooDeep));
    }

    #[test]
    fn names_are_folded_down_to_a_depth() {
        let (outer, inner) = (br#"{"aB":1,"Ab":2}"#.as_slice(), br#"{"x":{"aB":1,"Ab":2},"X1":0}"#.as_slice());
        assert_eq!((check(outer), check_folded(outer, 1)), (Ok(()), Err(Fault::DuplicateMember)));
        assert_eq!((check_folded(inner, 1), check_folded(inner, 2)), (Ok(()), Err(Fault::DuplicateMember)));
    }

    #[test]
    fn duplicates_are_found_in_long_objects_too() {
        let members: Vec<String> = (0..50).map(|i| format!("\"m{i}\":{i}")).collect();
        assert_eq!(check(format!("{{{}}}", members.join(",")).as_bytes()), Ok(()));
        assert_eq!(check(format!("{{{},\"m7\":0}}", members.join(",")).as_bytes()), Err(Fault::DuplicateMember));
    }

    #[test]
    fn numbers_that_a_double_changes_are_seen() {
        let numbers_are_exact = |text: &[u8]| traits(text).unwrap().numbers_exact;
        for exact in ["1", "0.1", "1.00", "-0", "1e3", "9007199254740992", "7.5", "1E-7", "123456789012345680000"] {
            assert!(numbers_are_exact(exact.as_bytes()), "{exact}");
        }
        // Halfway between two shortest forms: the canonical one is the even one (ECMAScript, Number::toString).
        assert!(numbers_are_exact(b"-789051432679333.2"));
        let inexact =
            ["9007199254740993", "1e400", "0.10000000000000000555", "12345678901234567890", "-789051432679333.3"];
        for inexact in inexact {
            assert!(!numbers_are_exact(inexact.as_bytes()), "{inexact}");
        }
    }

    #[test]
    fn a_form_that_is_sure_is_the_one_that_writing_anew_gives() {
        let forms = [
            ("{\"a\":[1,-2,true,null,\"\u{e9}\u{7f}/\"],\"b\":{},\"c\":\"x\"}", Form::Canonical),
            // U+10000 is D800 DC00 in UTF-16, and so before U+FB33, though its UTF-8 is after.
            ("{\"\u{10000}\":1,\"\u{fb33}\":2}", Form::Canonical),
            ("{\"\u{fb33}\":1,\"\u{10000}\":2}", Form::Other),
            (r#"{"b":1,"a":2}"#, Form::Other),
            (r#"{"a":1, "b":2}"#, Form::Other),
            ("[1]\n", Form::Other),
            ("[-0]", Form::Unsure),
            ("[1.5]", Form::Unsure),
            ("[1e3]", Form::Unsure),
            ("[999999999999999]", Form::Canonical),
            ("[9007199254740993]", Form::Unsure),
            (r#"["\n"]"#, Form::Unsure),
            (r#"["\/"]"#, Form::Unsure),
            (r#"{"\u0061":1,"b":2}"#, Form::Unsure),
        ];
        for (text, form) in forms {
            assert_eq!(traits(text.as_bytes()).unwrap().form, form, "{text}");
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            let canonical = jcs::of_own_value(&value) == text.as_bytes();
            match form {
                Form::Canonical => assert!(canonical, "{text}"),
                Form::Other => assert!(!canonical, "{text}"),
                Form::Unsure => {}
            }
        }
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        assert_eq!(traits(deep.as_bytes()).unwrap().form, Form::Unsure);
        assert_eq!(traits(br#"{"a":1,"a":2}"#), None);
    }

    proptest::proptest! {
        /// The short cut and the long way never disagree, on documents written canonically and otherwise.
        #[test]
        fn the_form_agrees_with_writing_anew(value in values()) {
            let canonical = jcs::of_own_value(&value);
            let (plain, pretty) = (serde_json::to_vec(&value).unwrap(), serde_json::to_vec_pretty(&value).unwrap());
            for text in [&plain, &pretty, &canonical] {
                match traits(text).unwrap().form {
                    Form::Canonical => proptest::prop_assert_eq!(text, &canonical),
                    Form::Other => proptest::prop_assert_ne!(text, &canonical),
                    Form::Unsure => {}
                }
            }
        }
    }

    fn values() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::{Map, Value};
        let text = "[a-c\u{e9}\u{fb33}\u{10000}\"/\n\\\\]{0,3}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-9i64..9).prop_map(Value::from),
            (-1e9..1e9f64).prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, move |inner| {
            let members = proptest::collection::vec((text, inner.clone()), 0..5);
            prop_oneof![
                proptest::collection::vec(inner, 0..5).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }
}
