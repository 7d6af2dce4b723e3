//! What became of the sets, for people: printed, and kept as Markdown below the target folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use attestream::verdict::pages::page;

/// Counts by row and by what was said.
#[derive(Default)]
pub struct Table {
    rows: BTreeMap<String, BTreeMap<String, u64>>,
    codes: BTreeSet<String>,
    verified: Vec<String>,
    refused: Vec<String>,
}

/// Sections by title: tests run in any order, and each writes the file whole.
static SECTIONS: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

impl Table {
    /// Counts a fate; of the words in `said`, those that are codes are explained below the table.
    pub fn count(&mut self, row: &str, said: &str) {
        *self.rows.entry(row.to_owned()).or_default().entry(said.to_owned()).or_default() += 1;
        let codes = said.split([' ', ':']).filter(|word| page(word).is_some());
        self.codes.extend(codes.map(str::to_owned));
    }

    /// Remembers the name of something that verified.
    pub fn name(&mut self, name: String) {
        self.verified.push(name);
    }

    /// Remembers the name of evidence that was refused, and why.
    pub fn refuse(&mut self, name: &str, said: &str) {
        self.refused.push(format!("{name}: {said}"));
    }

    pub fn of(&self, row: &str, said: &str) -> u64 {
        self.rows.get(row).and_then(|row| row.get(said)).copied().unwrap_or_default()
    }

    pub fn total(&self, said: &str) -> u64 {
        self.rows.keys().map(|row| self.of(row, said)).sum()
    }

    /// Prints the table, and writes it into the file.
    pub fn publish(self, title: &str) {
        let mut text = format!("## {title}\n\n| of | fates | files |\n|---|---|---|\n");
        for (row, said) in &self.rows {
            let total: u64 = said.values().sum();
            let fates: Vec<String> = said.iter().map(|(said, count)| format!("{count} {said}")).collect();
            text.push_str(&format!("| {row} | {} | {total} |\n", fates.join(", ")));
        }
        if !self.codes.is_empty() {
            text.push_str("\nCodes:\n\n");
        }
        for code in &self.codes {
            // A page is its title, a sentence, and what to do.
            let why = page(code).and_then(|page| page.split("\n\n").nth(1)).unwrap_or_default();
            text.push_str(&format!("- `{code}`: {}\n", why.replace('\n', " ")));
        }
        for (what, names) in [("Verified", &self.verified), ("Refused", &self.refused)] {
            if !names.is_empty() {
                text.push_str(&format!("\n{what}:\n\n"));
            }
            for name in names {
                text.push_str(&format!("- {name}\n"));
            }
        }
        println!("{text}");
        let mut sections = SECTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        sections.insert(title.to_owned(), text);
        let whole: Vec<&str> = sections.values().map(String::as_str).collect();
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("corpora.md");
        std::fs::write(file, format!("# Fates and codes of the corpora\n\n{}", whole.join("\n"))).unwrap();
    }
}
