//! Whether this process does its work, from what has happened: the answer of `/readyz`.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{Happening, Observer, Role};

crate::codes! {
    /// Why a process is not ready.
    pub enum UnreadyCode {
        /// The log does not answer.
        LogUnreachable = "log-unreachable",
        /// A worker cannot work, and tries again.
        WorkerWaiting = "worker-waiting",
        /// No partition is assigned to a worker.
        NothingAssigned = "nothing-assigned",
        /// A ledger partition cannot go on.
        PartitionStopped = "partition-stopped",
        /// The process is about to end.
        Stopping = "stopping",
    }
}

/// One reason for not being ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unready {
    pub code: UnreadyCode,
    pub detail: String,
}

/// What each role and partition last said of itself.
pub struct Health(Mutex<State>);

struct State {
    workers: BTreeMap<Role, Worker>,
    stopped: BTreeMap<u32, String>,
    log: Option<String>,
    stopping: bool,
}

#[derive(Default)]
struct Worker {
    owned: usize,
    waiting: Option<String>,
}

impl Health {
    /// A process in which these roles are to work.
    pub fn of(roles: &[Role]) -> Self {
        let workers = roles.iter().map(|role| (*role, Worker::default())).collect();
        Health(Mutex::new(State { workers, stopped: BTreeMap::new(), log: None, stopping: false }))
    }

    /// The log answered, or did not.
    pub fn log(&self, answered: Result<(), String>) {
        self.with(|state| state.log = answered.err());
    }

    pub fn stopping(&self) {
        self.with(|state| state.stopping = true);
    }

    /// Why the process is not ready; empty when it is.
    pub fn reasons(&self) -> Vec<Unready> {
        self.with(|state| {
            let mut reasons = Vec::new();
            let mut add = |code, detail: String| reasons.push(Unready { code, detail });
            if state.stopping {
                add(UnreadyCode::Stopping, "the process is about to end".to_owned());
            }
            if let Some(why) = &state.log {
                add(UnreadyCode::LogUnreachable, why.clone());
            }
            for (role, worker) in &state.workers {
                match &worker.waiting {
                    Some(why) => add(UnreadyCode::WorkerWaiting, format!("{}: {why}", role.as_str())),
                    None if worker.owned == 0 => add(UnreadyCode::NothingAssigned, role.as_str().to_owned()),
                    None => {}
                }
            }
            for (partition, code) in &state.stopped {
                add(UnreadyCode::PartitionStopped, format!("ledger partition {partition}: {code}"));
            }
            reasons
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Health {
    fn happened(&self, happening: &Happening<'_>) {
        match happening {
            Happening::Rebalanced { role, owned, .. } => self.with(|state| {
                if *role == Role::Ledger {
                    state.stopped.clear();
                }
                if let Some(worker) = state.workers.get_mut(role) {
                    *worker = Worker { owned: *owned, waiting: None };
                }
            }),
            Happening::Unreachable { role, why, .. } => self.with(|state| {
                if let Some(worker) = state.workers.get_mut(role) {
                    worker.waiting = Some((*why).to_owned());
                }
            }),
            Happening::Committed { role, .. } => self.with(|state| {
                if let Some(worker) = state.workers.get_mut(role) {
                    worker.waiting = None;
                }
            }),
            Happening::Stopped { partition, code, .. } => {
                self.with(|state| drop(state.stopped.insert(*partition, (*code).to_owned())));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn codes(health: &Health) -> Vec<&'static str> {
        health.reasons().iter().map(|reason| reason.code.code()).collect()
    }

    #[test]
    fn ready_is_what_every_role_and_partition_agree_on() {
        let health = Health::of(&[Role::Admission, Role::Ledger]);
        assert_eq!(codes(&health), ["nothing-assigned", "nothing-assigned"]);
        for role in [Role::Admission, Role::Ledger] {
            health.happened(&Happening::Rebalanced { role, owned: 4, lost: false });
        }
        assert_eq!(codes(&health), [""; 0]);

        health.happened(&Happening::Stopped { partition: 2, code: "state-ahead", seq: 7 });
        assert_eq!(codes(&health), ["partition-stopped"]);
        let retry = Duration::from_secs(1);
        health.happened(&Happening::Unreachable { role: Role::Ledger, why: "no broker", retry });
        assert_eq!(codes(&health), ["worker-waiting", "partition-stopped"]);
        health.happened(&Happening::Rebalanced { role: Role::Ledger, owned: 4, lost: false });
        assert_eq!(codes(&health), [""; 0]);

        health.log(Err("no broker answers".to_owned()));
        assert_eq!(codes(&health), ["log-unreachable"]);
        health.log(Ok(()));
        health.happened(&Happening::Rebalanced { role: Role::Admission, owned: 0, lost: true });
        assert_eq!(codes(&health), ["nothing-assigned"]);
        health.stopping();
        assert_eq!(codes(&health), ["stopping", "nothing-assigned"]);
    }

    #[test]
    fn a_role_that_does_not_run_here_is_not_waited_for() {
        let health = Health::of(&[Role::Ledger]);
        health.happened(&Happening::Unreachable { role: Role::Admission, why: "x", retry: Duration::ZERO });
        health.happened(&Happening::Rebalanced { role: Role::Ledger, owned: 1, lost: false });
        assert_eq!(codes(&health), [""; 0]);
    }
}
