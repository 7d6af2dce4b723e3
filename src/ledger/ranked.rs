//! Ranked lists: the first entries of a list lie in its row, so that one read gives the best; the rest lie in rows of
//! their own, in order. The head is always the true beginning of the list.

use crate::event::digest::{hex, unhex};
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
        let text = hex(entry);
        let at = match self.head.first.binary_search(&text) {
            Ok(_) => return Ok(false),
            Err(at) => at,
        };
        if at == HEAD || (at == self.head.first.len() && self.head.spilled > 0) {
            self.spill(rows, entry)?;
            return Ok(false);
        }
        self.head.first.insert(at, text);
        if self.head.first.len() > HEAD
            && let Some(last) = self.head.first.pop().as_deref().and_then(unhex)
        {
            self.spill(rows, &last)?;
        }
        Ok(true)
    }

    /// Removes `entry`, and takes the next spilled one into the head. Returns whether the head changed.
    pub fn remove(&mut self, rows: &mut Overlay<'_>, entry: &[u8]) -> Result<bool, FoldError> {
        if let Ok(at) = self.head.first.binary_search(&hex(entry)) {
            self.head.first.remove(at);
            if self.head.spilled > 0
                && let Some((key, _)) = rows.scan(&self.spilled, None, 1)?.into_iter().next()
            {
                let next = key.get(self.spilled.len()..).map(hex).ok_or(FoldError::Row)?;
                self.head.first.push(next);
                self.head.spilled -= 1;
                rows.remove(key);
            }
            return Ok(true);
        }
        let key = self.key(entry);
        if self.head.spilled > 0 && rows.bytes(&key)?.is_some() {
            rows.remove(key);
            self.head.spilled -= 1;
        }
        Ok(false)
    }

    /// Up to `limit` entries after `after`, in order.
    pub fn after(&self, rows: &Overlay<'_>, after: Option<&[u8]>, limit: usize) -> Result<Vec<Vec<u8>>, FoldError> {
        let later = |entry: &Vec<u8>| after.is_none_or(|after| entry.as_slice() > after);
        let mut entries: Vec<Vec<u8>> =
            self.head.first.iter().filter_map(|text| unhex(text)).filter(later).take(limit).collect();
        if entries.len() < limit && self.head.spilled > 0 {
            let from = after.map(|after| self.key(after));
            for (key, _) in rows.scan(&self.spilled, from.as_deref(), limit - entries.len())? {
                entries.push(key.get(self.spilled.len()..).ok_or(FoldError::Row)?.to_vec());
            }
        }
        Ok(entries)
    }

    fn spill(&mut self, rows: &mut Overlay<'_>, entry: &[u8]) -> Result<(), FoldError> {
        let key = self.key(entry);
        if rows.bytes(&key)?.is_none() {
            rows.put_bytes(key, Vec::new());
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
