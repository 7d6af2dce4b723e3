//! Where the values of a document lie, as the strict scan found them: what passed it is read from there, and not parsed a
//! second time.

use std::borrow::Cow;

use super::json_text::{Text, unescape};

/// A document that passed the strict scan.
#[derive(Debug)]
pub struct Outline<'a> {
    text: &'a str,
    /// Every value, in the order of the text: what is in one comes behind it.
    nodes: Cow<'a, [Node]>,
}

/// An outline without its text, for who keeps the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places(Vec<Node>);

impl Places {
    /// The outline of the text that it was taken from.
    pub fn of<'a>(&'a self, text: &'a str) -> Outline<'a> {
        Outline { text, nodes: Cow::Borrowed(&self.0) }
    }
}

/// A value: where it lies, and the name of the member that it is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Node {
    name: Span,
    value: Span,
    /// The number of the value behind this one and all that is in it.
    next: u32,
    name_escaped: bool,
    value_escaped: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Span {
    from: u32,
    to: u32,
}

impl Span {
    fn new(from: usize, to: usize) -> Self {
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { from: short(from), to: short(to) }
    }

    fn of(self, text: &str) -> &str {
        text.get(self.from as usize..self.to as usize).unwrap_or_default()
    }
}

impl Node {
    /// The value as it is written, with its quotes where it is a string.
    pub(super) fn new(name: Text, value: Text, next: usize) -> Self {
        Node {
            name: Span::new(name.from, name.to),
            value: Span::new(value.from, value.to),
            next: u32::try_from(next).unwrap_or(u32::MAX),
            name_escaped: name.escaped,
            value_escaped: value.escaped,
        }
    }
}

impl<'a> Outline<'a> {
    pub(super) const fn new(text: &'a str, nodes: Vec<Node>) -> Self {
        Outline { text, nodes: Cow::Owned(nodes) }
    }

    pub fn into_places(self) -> Places {
        Places(self.nodes.into_owned())
    }

    /// The whole text.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The one value that the document is.
    pub fn root(&self) -> Value<'_, 'a> {
        Value { of: self, at: 0, node: self.nodes.first().copied().unwrap_or_default() }
    }
}

/// One value of a document.
#[derive(Debug, Clone, Copy)]
pub struct Value<'o, 'a> {
    of: &'o Outline<'a>,
    at: usize,
    node: Node,
}

impl<'o, 'a> Value<'o, 'a> {
    /// The value as it is written, with nothing around it.
    pub fn raw(self) -> &'a str {
        self.node.value.of(self.of.text)
    }

    pub fn is_null(self) -> bool {
        self.raw() == "null"
    }

    /// The string that it is.
    pub fn text(self) -> Option<Cow<'a, str>> {
        let inner = self.raw().strip_prefix('"')?.strip_suffix('"')?;
        if self.node.value_escaped { unescape(inner).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
    }

    /// The object that it is.
    pub fn object(self) -> Option<Object<'o, 'a>> {
        self.raw().starts_with('{').then_some(Object(self))
    }

    /// The array that it is, each element as `read` takes it.
    pub fn list<T>(self, read: impl Fn(Self) -> Option<T>) -> Option<Vec<T>> {
        if self.raw().starts_with('[') { self.inner().map(read).collect() } else { None }
    }

    /// The values in it, in the order of the text; none where it is no object and no array.
    pub fn inner(self) -> Inner<'o, 'a> {
        Inner { of: self.of, at: self.at + 1, end: self.node.next as usize }
    }

    /// What tells it from every other value of a document that is in memory: where the outline lies, and its number there.
    pub fn place(self) -> (usize, u32) {
        (std::ptr::from_ref(self.of).addr(), u32::try_from(self.at).unwrap_or(u32::MAX))
    }

    /// The name of the member that it is of.
    pub fn name(self) -> Cow<'a, str> {
        let raw = self.node.name.of(self.of.text);
        match self.node.name_escaped {
            true => unescape(raw).map_or(Cow::Borrowed(raw), Cow::Owned),
            false => Cow::Borrowed(raw),
        }
    }
}

/// The values in another.
#[derive(Debug, Clone)]
pub struct Inner<'o, 'a> {
    of: &'o Outline<'a>,
    at: usize,
    end: usize,
}

impl<'o, 'a> Iterator for Inner<'o, 'a> {
    type Item = Value<'o, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let node = self.of.nodes.get(self.at).copied().filter(|_| self.at < self.end)?;
        let value = Value { of: self.of, at: self.at, node };
        self.at = node.next as usize;
        Some(value)
    }
}

/// An object of a document. Its members are asked for by name; there is at most one of a name.
#[derive(Debug, Clone, Copy)]
pub struct Object<'o, 'a>(Value<'o, 'a>);

impl<'o, 'a> Object<'o, 'a> {
    pub fn member(self, name: &str) -> Option<Value<'o, 'a>> {
        self.0.inner().find(|value| {
            if value.node.name_escaped { value.name() == name } else { value.node.name.of(value.of.text) == name }
        })
    }

    /// Every member, by its name.
    pub fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Value<'o, 'a>)> {
        self.values().map(|value| (value.name(), value))
    }

    /// The values of its members, each of which has its name.
    pub fn values(self) -> Inner<'o, 'a> {
        self.0.inner()
    }

    /// A member that must be there; `None` where it is not, or is not what `read` takes.
    pub fn needed<T>(self, name: &str, read: impl FnOnce(Value<'o, 'a>) -> Option<T>) -> Option<T> {
        read(self.member(name)?)
    }

    /// A member that may be left out, or be `null`: the inner `None`. The outer one is a member that is wrong.
    pub fn optional<T>(self, name: &str, read: impl FnOnce(Value<'o, 'a>) -> Option<T>) -> Option<Option<T>> {
        match self.member(name).filter(|value| !value.is_null()) {
            Some(value) => read(value).map(Some),
            None => Some(None),
        }
    }

    /// A member that may be left out, for its default, but not be `null`.
    pub fn defaulted<T: Default>(self, name: &str, read: impl FnOnce(Value<'o, 'a>) -> Option<T>) -> Option<T> {
        self.member(name).map_or_else(|| Some(T::default()), read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::json;

    /// The document as its outline says it is.
    fn rebuilt(value: Value<'_, '_>) -> serde_json::Value {
        if let Some(object) = value.object() {
            let members = object.members().map(|(name, value)| {
                assert_eq!(object.member(&name).unwrap().raw(), value.raw());
                (name.into_owned(), rebuilt(value))
            });
            return serde_json::Value::Object(members.collect());
        }
        let text = || value.text().map(|text| serde_json::Value::String(text.into_owned()));
        let list = value.list(|value| Some(rebuilt(value))).map(serde_json::Value::Array);
        list.or_else(text).unwrap_or_else(|| serde_json::from_str(value.raw()).unwrap())
    }

    fn values() -> impl Strategy<Value = serde_json::Value> {
        let text = || prop_oneof!["[a-c]{0,3}", "\\PC{0,12}", "[\"\\\\/\n\u{0}é\u{10000}]{0,4}"];
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            text().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 64, 24, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..24).prop_map(serde_json::Value::from),
                prop::collection::btree_map(text(), inner, 0..24)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_outlined_is_the_document(value in values(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let outline = json::outline_folded(text.as_bytes(), 0).unwrap();
            prop_assert_eq!(rebuilt(outline.root()), value);
            prop_assert_eq!(outline.root().raw(), text.as_str());
        }
    }

    #[test]
    fn members_that_are_missing_null_or_of_another_type_are_told_apart() {
        let outline = json::outline_folded(br#"{"n":null,"t":"a\u0062","\u0078":[1,"y"],"o":{}}"#, 9).unwrap();
        let object = outline.root().object().unwrap();
        assert_eq!(object.needed("t", Value::text).as_deref(), Some("ab"));
        assert_eq!(object.needed("z", Value::text), None);
        assert_eq!((object.optional("n", Value::text), object.optional("z", Value::text)), (Some(None), Some(None)));
        assert_eq!((object.optional("x", Value::text), object.defaulted("n", Value::text)), (None, None));
        assert_eq!(object.defaulted("z", Value::text).as_deref(), Some(""));
        assert_eq!(object.member("x").unwrap().list(Value::text), None);
        assert_eq!(object.member("o").unwrap().list(Value::text), None);
        assert_eq!(object.member("x").unwrap().list(|value| Some(value.raw())), Some(vec!["1", "\"y\""]));
        assert!(object.member("x").unwrap().object().is_none());
    }
}
