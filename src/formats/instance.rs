//! A document as the validator of schemas sees it: where the strict scan found its values, instead of a tree of its own.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, JsonNumber, Node, NodeIdentity, Object, unique};
use serde_json::Value as Tree;

use crate::event::outline::{self, Inner, Value};

/// The representation of JSON that is an outline.
pub(super) struct Outlined;

/// What is validated.
#[derive(Clone, Copy)]
pub(super) enum Instance<'a> {
    Value(Value<'a, 'a>),
    /// The name of a member, which schemas treat as a string.
    Name(&'a str),
}

impl Json for Outlined {
    type Node<'a> = Instance<'a>;
    type PreparedKey = String;
    type StringBuffer = ();

    /// Members are found one after the other, so that seeing all of them costs what finding two does.
    const KEYS_PER_LOOKUP: usize = 8;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Instance<'_>) -> T) -> T {
        f(Instance::Name(string))
    }
}

impl<'a> Instance<'a> {
    fn value(self) -> Option<Value<'a, 'a>> {
        match self {
            Instance::Value(value) => Some(value),
            Instance::Name(_) => None,
        }
    }

    /// As it is written; of a name, what makes it a string.
    fn raw(self) -> &'a str {
        self.value().map_or("\"", Value::raw)
    }
}

impl<'a> Node<'a, Outlined> for Instance<'a> {
    type Object = outline::Object<'a, 'a>;
    type Array = Elements<'a>;
    type Number = Number<'a>;

    fn as_object(&self) -> Option<Self::Object> {
        self.value()?.object()
    }

    fn as_array(&self) -> Option<Elements<'a>> {
        self.value().filter(|value| value.raw().starts_with('[')).map(Elements)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Instance::Value(value) => value.text(),
            Instance::Name(name) => Some(Cow::Borrowed(name)),
        }
    }

    fn as_number(&self) -> Option<Number<'a>> {
        self.is_number().then(|| Number(self.raw()))
    }

    fn as_boolean(&self) -> Option<bool> {
        self.raw().parse().ok()
    }

    fn is_null(&self) -> bool {
        self.json_type() == JsonType::Null
    }

    fn is_number(&self) -> bool {
        self.json_type() == JsonType::Number
    }

    fn json_type(&self) -> JsonType {
        match self.raw().as_bytes().first() {
            Some(b'{') => JsonType::Object,
            Some(b'[') => JsonType::Array,
            Some(b'"') => JsonType::String,
            Some(b't' | b'f') => JsonType::Boolean,
            Some(b'n') => JsonType::Null,
            _ => JsonType::Number,
        }
    }

    fn equals_value(&self, expected: &Tree) -> bool {
        match (self.as_string(), expected) {
            (Some(text), Tree::String(expected)) => text == *expected,
            (None, Tree::String(_)) => false,
            _ => jsonschema::json::cmp::equal(&self.to_value(), expected),
        }
    }

    fn to_value(&self) -> Cow<'a, Tree> {
        Cow::Owned(match self {
            // What does not fit into a tree (`json-too-deep`, `number-out-of-range`) was refused before.
            Instance::Value(value) => serde_json::from_str(value.raw()).unwrap_or_default(),
            Instance::Name(name) => Tree::from(*name),
        })
    }

    fn identity(&self) -> Option<NodeIdentity> {
        let (outline, at) = self.value()?.place();
        Some(NodeIdentity::tagged(outline, at))
    }
}

impl<'a> Object<'a, Outlined> for outline::Object<'a, 'a> {
    type Node = Instance<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = Members<'a>;

    fn len(&self) -> usize {
        self.values().count()
    }

    fn is_empty(&self) -> bool {
        self.values().next().is_none()
    }

    fn get(&self, key: &String) -> Option<Instance<'a>> {
        self.member(key).map(Instance::Value)
    }

    fn members(&self) -> Members<'a> {
        Members(self.values())
    }
}

/// The members of an object.
pub(super) struct Members<'a>(Inner<'a, 'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Instance<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|value| (value.name(), Instance::Value(value)))
    }
}

/// An array.
pub(super) struct Elements<'a>(Value<'a, 'a>);

impl<'a> Array<'a, Outlined> for Elements<'a> {
    type Node = Instance<'a>;
    type ElementsIter = std::iter::Map<Inner<'a, 'a>, fn(Value<'a, 'a>) -> Instance<'a>>;

    fn len(&self) -> usize {
        self.0.inner().count()
    }

    fn elements(&self) -> Self::ElementsIter {
        self.0.inner().map(Instance::Value)
    }

    /// Elements of which no two have one trait are all distinct; only where two have, trees are built and compared.
    fn is_unique(&self) -> bool {
        if self.0.inner().nth(1).is_none() {
            return true;
        }
        let mut traits: Vec<u64> = self.0.inner().map(alike).collect();
        traits.sort_unstable();
        let distinct = traits.is_sorted_by(|one, other| one < other);
        distinct || unique::is_unique(&self.elements().map(|element| element.to_value()).collect::<Vec<_>>())
    }
}

/// What values have in common that are equal as JSON, whatever the order of members, escapes and the form of numbers. Most
/// others differ in it; it costs little, as it is taken of every list that a schema wants without repetition.
fn alike(value: Value<'_, '_>) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let raw = value.raw();
    match raw.as_bytes().first() {
        Some(b'{') => value.inner().map(alike).fold(ODD, u64::wrapping_add),
        Some(b'[') => value.inner().map(alike).fold(1, |all, one| all.rotate_left(7).wrapping_add(one) ^ ODD),
        Some(b'"') => value.text().map_or(0, |text| {
            let bytes = text.as_bytes();
            let ends = [bytes.first_chunk(), bytes.last_chunk()].map(|end| end.copied().map_or(0, u64::from_le_bytes));
            let short = bytes.iter().take(8).fold(bytes.len() as u64, |all, byte| all << 8 | u64::from(*byte));
            ends.into_iter().fold(short, |all, end| (all ^ end).wrapping_mul(ODD).rotate_left(29))
        }),
        // A zero has one form here: what is below the least double is none.
        _ => raw.parse::<f64>().map_or(raw.len() as u64, |number| (number + 0.0).to_bits()).wrapping_mul(ODD),
    }
}

/// A number, as it is written.
pub(super) struct Number<'a>(&'a str);

impl Number<'_> {
    fn is_plain(&self) -> bool {
        !self.0.contains(['.', 'e', 'E'])
    }
}

/// What `serde_json::Number` says of the same text: one that is written otherwise than as an integer of 64 bits is a double.
impl JsonNumber for Number<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        if self.0 == "-0" { None } else { self.0.parse().ok() }
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(serde_json::from_str(self.0).unwrap_or_else(|_| serde_json::Number::from(0)))
    }

    fn is_integer(&self) -> bool {
        self.is_plain() || self.as_f64().is_some_and(|double| double.is_finite() && double.fract() == 0.0)
    }

    fn is_written_as_integer(&self) -> bool {
        self.is_plain()
    }
}

#[cfg(test)]
mod tests {
    use jsonschema::json::SerdeJson;
    use proptest::prelude::*;

    use super::*;
    use crate::event::json;

    /// The same is said of a value by what the scan found and by a tree.
    fn agree(seen: Instance<'_>, tree: &Tree) {
        type Trees<'a> = &'a Tree;
        assert_eq!(seen.json_type(), Node::<SerdeJson>::json_type(&tree));
        assert_eq!(seen.as_string(), Node::<SerdeJson>::as_string(&tree));
        assert_eq!(seen.string_length(), Node::<SerdeJson>::string_length(&tree));
        assert_eq!(seen.as_boolean(), Node::<SerdeJson>::as_boolean(&tree));
        assert_eq!(
            (seen.is_null(), seen.is_number(), seen.is_string()),
            (tree.is_null(), tree.is_number(), tree.is_string())
        );
        assert!(seen.equals_value(tree) && *seen.to_value() == *tree);
        let number = <Trees<'_> as Node<SerdeJson>>::as_number(&tree);
        assert_eq!(seen.as_number().is_some(), number.is_some());
        if let (Some(one), Some(other)) = (seen.as_number(), number) {
            assert_eq!((one.as_u64(), one.as_i64(), one.as_f64()), (other.as_u64(), other.as_i64(), other.as_f64()));
            assert_eq!(one.is_integer(), JsonNumber::is_integer(other));
        }
        match (seen.as_array(), tree) {
            (Some(list), Tree::Array(trees)) => {
                assert_eq!((list.len(), list.elements().count()), (trees.len(), trees.len()));
                assert_eq!(list.is_unique(), unique::is_unique(trees), "{trees:?}");
                list.elements().zip(trees).for_each(|(element, tree)| agree(element, tree));
            }
            (list, _) => assert!(list.is_none() && !tree.is_array()),
        }
        match (seen.as_object(), tree) {
            (Some(object), Tree::Object(trees)) => {
                assert_eq!((Object::len(&object), Object::is_empty(&object)), (trees.len(), trees.is_empty()));
                for (name, member) in Object::members(&object) {
                    agree(member, &trees[&*name]);
                    let got = object.get(&Outlined::prepare_key(&name)).unwrap();
                    assert_eq!(got.identity(), member.identity());
                    assert_ne!(got.identity(), seen.identity());
                }
                assert!(object.get(&String::from("no such name")).is_none());
            }
            (object, _) => assert!(object.is_none() && !tree.is_object()),
        }
    }

    fn values() -> impl Strategy<Value = Tree> {
        let text = || prop_oneof!["[a-c]{0,2}", "[\"\\\\/\n\u{0}é\u{10000}]{0,4}"];
        let leaf = prop_oneof![
            Just(Tree::Null),
            any::<bool>().prop_map(Tree::from),
            any::<i64>().prop_map(Tree::from),
            any::<u64>().prop_map(Tree::from),
            (-3..3).prop_map(Tree::from),
            (-3..3).prop_map(|n| Tree::from(f64::from(n))),
            (-6..6).prop_map(|n| Tree::from(f64::from(n) / 4.0)),
            text().prop_map(Tree::from),
        ];
        leaf.prop_recursive(4, 48, 8, move |inner| {
            let members = prop::collection::btree_map(text(), inner.clone(), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..8).prop_map(Tree::from),
                members.prop_map(|members| Tree::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_the_scan_found_is_what_a_tree_has(value in values(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let outline = json::outline_folded(text.as_bytes(), 0).unwrap();
            agree(Instance::Value(outline.root()), &value);
        }
    }

    #[test]
    fn elements_that_are_written_otherwise_are_no_others() {
        let unique = |text: &str| {
            let outline = json::outline_folded(text.as_bytes(), 0).unwrap();
            Instance::Value(outline.root()).as_array().unwrap().is_unique()
        };
        for same in [
            "[1, 1.0]",
            "[1, 10e-1]",
            "[0, -0.0]",
            r#"["a", "\u0061"]"#,
            r#"[{"a":1,"b":[2]}, {"b":[2.0],"\u0061":1}]"#,
            "[null, 1, null]",
        ] {
            assert!(!unique(same), "{same}");
        }
        // Two integers that one double is nearest to are two.
        for other in [
            "[]",
            "[1]",
            "[[1,2],[2,1]]",
            r#"[{"a":1},{"a":2}]"#,
            r#"["1",1,true]"#,
            "[9007199254740993,9007199254740992]",
        ] {
            assert!(unique(other), "{other}");
        }
    }

    #[test]
    fn the_name_of_a_member_is_a_string() {
        fn agree(name: Instance<'_>) {
            assert_eq!((name.as_string().as_deref(), name.string_length()), (Some("a\"é"), Some(3)));
            assert_eq!((name.json_type(), name.identity()), (JsonType::String, None));
            assert!(name.as_object().is_none() && name.as_array().is_none() && name.as_number().is_none());
            assert!(
                name.equals_value(&Tree::from("a\"é"))
                    && !name.equals_value(&Tree::from("a"))
                    && !name.equals_value(&Tree::Null)
            );
        }
        Outlined::with_string_node(&mut (), "a\"é", agree);
    }
}
