//! Every code has its page, and no page is without a code.

use std::collections::BTreeSet;
use std::path::Path;

use attestream::processor::partition::NotReady;
use attestream::verdict::Reason;
use attestream::verdict::pages::PAGES;

fn pages(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let code = |path: std::path::PathBuf| {
        let page = std::fs::read_to_string(&path).unwrap();
        let code = path.file_name().unwrap().to_str().unwrap().strip_suffix(".md").expect("a page").to_owned();
        assert!(page.starts_with(&format!("# {code}\n")), "{code}.md does not begin with its code");
        assert!(page.lines().count() > 2, "{code}.md says nothing");
        code
    };
    files.map(code).collect()
}

fn matches(folder: &str, codes: BTreeSet<String>) {
    let pages = pages(folder);
    let without: Vec<_> = codes.difference(&pages).collect();
    let stale: Vec<_> = pages.difference(&codes).collect();
    assert!(without.is_empty() && stale.is_empty(), "{folder}: without a page {without:?}; without a code {stale:?}");
}

#[test]
fn every_reason_has_a_page_and_every_page_a_reason() {
    matches("src/verdict/docs", Reason::all().map(|reason| reason.code().to_owned()).collect());
}

#[test]
fn every_code_of_a_stopped_partition_has_a_page() {
    matches("src/processor/docs", NotReady::ALL.iter().map(|code| code.code().to_owned()).collect());
}

/// What is shown is what lies in the folder.
#[test]
fn the_table_of_pages_is_the_folder() {
    let table: BTreeSet<String> = PAGES.iter().map(|(code, _)| (*code).to_owned()).collect();
    assert_eq!(table, pages("src/verdict/docs"));
    assert!(PAGES.iter().all(|(code, page)| page.starts_with(&format!("# {code}\n"))));
}

/// One code, one meaning: a code of two sets would have two pages to choose from.
#[test]
fn no_code_is_in_both_sets() {
    let reasons: BTreeSet<&str> = Reason::all().map(Reason::code).collect();
    assert!(NotReady::ALL.iter().all(|code| !reasons.contains(code.code())));
}
