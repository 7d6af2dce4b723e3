//! How many files this process may have open. RocksDB keeps each table open, and each file of large values that was read:
//! a state of ten million events has thousands, and the usual limit is 1024 where nobody asked for more.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Files that a large state may need.
const ENOUGH: u64 = 16_384;

/// Asks for as many as this process may have. What somebody should know about it, where those are few.
pub fn raise_open_files() -> Option<String> {
    let mut limit = getrlimit(Resource::Nofile);
    let allowed = limit.maximum;
    limit.current = allowed;
    let raised = setrlimit(Resource::Nofile, limit);
    let current = getrlimit(Resource::Nofile).current;
    let few = current.is_some_and(|current| current < ENOUGH);
    let problem = raised.err().map(|error| format!(" ({error})")).unwrap_or_default();
    few.then(|| {
        let current = current.unwrap_or_default();
        format!("this process may open {current} files{problem}; a large state may need {ENOUGH}: see ulimit -n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_asks_for_all_that_it_may_have() {
        let before = getrlimit(Resource::Nofile);
        let notice = raise_open_files();
        let after = getrlimit(Resource::Nofile);
        assert_eq!((after.current, after.maximum), (before.maximum, before.maximum));
        assert_eq!(notice.is_some(), after.current.is_some_and(|files| files < ENOUGH));
    }
}
