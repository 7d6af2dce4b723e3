//! Ranked lists: the first entries of a list lie in its row, so that one read gives the best; the rest lie in rows of
//! their own, in order. The head is always the true beginning of the list.

use crate::event::limits;

use super::fold::FoldError;
use super::keys::Key;
use super::overlay::Overlay;
use super::rows::RankedHead;

/// Entries that a head holds: all that a verdict reads of a list.
const HEAD: usize = limits::CHAIN_MAX;

/// One list: its head, and the prefix of its spilled rows.
pub struct Ranked<'a> {
    pub head: &'a mut RankedHead,
    pub spilled: Key,
}

impl Ranked<'_> {
    /// Adds `entry` (bytes that sort as the list does). Adding what is there changes nothing. Returns whether the head
    /// changed.
    pub fn insert(&mut self, rows: &mut Overlay<'_>, entry: &[u8]) -> Result<bool, FoldError> {
        let at = match self.head.first.binary_search_by(|known| known.as_slice().cmp(entry)) {
            Ok(_) => return Ok(false),
            Err(at) => at,
        };
        if at == HEAD || (at == self.head.first.len() && self.head.spilled > 0) {
            self.spill(rows, entry)?;
            return Ok(false);
        }
        self.head.first.insert(at, entry.to_vec());
        if self.head.first.len() > HEAD
            && let Some(last) = self.head.first.pop()
        {
            self.spill(rows, &last)?;
        }
        Ok(true)
    }

    /// Removes `entry`, and takes the next spilled one into the head. Returns whether the head changed.
    pub fn remove(&mut self, rows: &mut Overlay<'_>, entry: &[u8]) -> Result<bool, FoldError> {
        if let Ok(at) = self.head.first.binary_search_by(|known| known.as_slice().cmp(entry)) {
            self.head.first.remove(at);
            if self.head.spilled > 0
                && let Some((key, _)) = rows.scan(&self.spilled, None, 1)?.into_iter().next()
            {
                let next = key.get(self.spilled.len()..).ok_or(FoldError::Row)?;
                self.head.first.push(next.to_vec());
                self.head.spilled -= 1;
                rows.strike(key);
            }
            return Ok(true);
        }
        let key = self.key(entry);
        if self.head.spilled > 0 && rows.entry(&key)?.is_some() {
            rows.strike(key);
            self.head.spilled -= 1;
        }
        Ok(false)
    }

    fn spill(&mut self, rows: &mut Overlay<'_>, entry: &[u8]) -> Result<(), FoldError> {
        let key = self.key(entry);
        if rows.entry(&key)?.is_none() {
            rows.enter(key, Vec::new());
            self.head.spilled += 1;
        }
        Ok(())
    }

    fn key(&self, entry: &[u8]) -> Key {
        let mut key = self.spilled.clone();
        key.extend_from_slice(entry);
        key
    }
}

/// Up to `limit` entries of a list after `after`, in order; the list's spilled rows lie under what `spilled` gives.
pub fn entries_after(
    head: &RankedHead,
    spilled: impl FnOnce() -> Key,
    rows: &Overlay<'_>,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<Vec<u8>>, FoldError> {
    let later = |entry: &&Vec<u8>| after.is_none_or(|after| entry.as_slice() > after);
    let mut entries: Vec<Vec<u8>> = head.first.iter().filter(later).take(limit).cloned().collect();
    if entries.len() < limit && head.spilled > 0 {
        let prefix = spilled();
        let from = after.map(|after| [prefix.as_slice(), after].concat());
        for (key, _) in rows.scan(&prefix, from.as_deref(), limit - entries.len())? {
            entries.push(key.get(prefix.len()..).ok_or(FoldError::Row)?.to_vec());
        }
    }
    Ok(entries)
}
