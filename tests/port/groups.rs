//! Who owns a partition, where reading starts, and whose commits count.

use attestream::event::Topic;
use attestream::log::{Assignment, Gathered, Inlet, Log, LogError, Outlet, Partition, StartAt};

use super::own;
use super::steps::{PATIENCE, assigned, at, from_committed, join, limits, read, record, take, texts, write};

pub fn the_fence_of_a_closed_member_is_refused<L: Log>(log: &L) {
    let (input, output) = (at(Topic::SbomSubmitted, 0), at(Topic::Ledger, 0));
    let (inlet, _) = join(log, "group", "one", &[input.topic]);
    let stale = inlet.fence().unwrap();
    inlet.close().unwrap();
    assert_refused(log, &stale, input, output);
}

pub fn the_fence_of_a_replaced_member_is_refused<L: Log>(log: &L) {
    let (input, output) = (at(Topic::SbomSubmitted, 0), at(Topic::Ledger, 0));
    let (former, _) = join(log, "group", "one", &[input.topic]);
    let stale = former.fence().unwrap();
    let (present, assigned) = join(log, "group", "one", &[input.topic]);
    assert_eq!(assigned.len(), 2, "the name comes back to its partitions");
    assert_refused(log, &stale, input, output);
    drop(former);
    assert!(present.fence().is_some());
}

/// A transaction under a stale fence fails at one of its steps and leaves nothing.
pub fn assert_refused<L: Log>(log: &L, stale: &<L::Inlet as Inlet>::Fence, input: Partition, output: Partition) {
    let mut outlet = log.outlet("stale").unwrap();
    outlet.begin().unwrap();
    outlet.append(record(output.topic, output.number, "stale")).unwrap();
    let refused = outlet.offsets("group", &[(input, 1)], stale).and_then(|()| outlet.commit());
    assert!(matches!(refused, Err(LogError::Fenced(_) | LogError::Transaction(_))), "{refused:?}");
    drop(outlet);
    assert!(read(log, &[output]).is_empty());
    assert_eq!(log.committed("group", input).unwrap(), None);
}

pub fn reading_restarts_where_the_group_committed<L: Log>(log: &L) {
    let input = at(Topic::SbomSubmitted, 1);
    write(log, "feed", (0..5).map(|i| record(input.topic, 1, format!("{i}"))));
    let (mut inlet, first) = join(log, "group", "one", &[input.topic]);
    assert!(first.iter().all(|one| one.committed.is_none() && one.start == 0), "{first:?}");
    let next = take(&mut inlet, 5)[2].offset;
    let mut outlet = log.outlet("work").unwrap();
    outlet.begin().unwrap();
    outlet.offsets("group", &[(input, next)], &inlet.fence().unwrap()).unwrap();
    outlet.commit().unwrap();
    inlet.close().unwrap();

    let (mut inlet, again) = join(log, "group", "one", &[input.topic]);
    assert!(again.contains(&Assignment { partition: input, start: next, committed: Some(next) }), "{again:?}");
    assert_eq!(texts(&take(&mut inlet, 3)), ["2", "3", "4"]);
}

pub fn the_start_is_decided_by_the_caller<L: Log>(log: &L) {
    let input = at(Topic::Control, 0);
    write(log, "feed", (0..4).map(|i| record(input.topic, 0, format!("{i}"))));
    let end = log.range(input).unwrap().end;
    let mut inlet = log.inlet("group", "one", &[input.topic], Box::new(move |_, _| Ok(end))).unwrap();
    assert_eq!(assigned(&mut inlet), [Assignment { partition: input, start: end, committed: None }]);
    write(log, "feed", [record(input.topic, 0, "late")]);
    assert_eq!(texts(&take(&mut inlet, 1)), ["late"]);

    // What could not be taken is said once, and offered again.
    let mut tries = 0;
    let refuse_once: StartAt = Box::new(move |_, _| {
        tries += 1;
        if tries == 1 { Err(LogError::Storage("no start".into())) } else { Ok(0) }
    });
    let mut refused = log.inlet("refused", "one", &[input.topic], refuse_once).unwrap();
    let error = (0..PATIENCE).find_map(|_| refused.gather(limits(1)).err());
    assert!(matches!(error, Some(LogError::Storage(_))), "{error:?}");
    assert!(refused.fence().is_none());
    assert_eq!(assigned(&mut refused).len(), 1);
    assert_eq!(take(&mut refused, 5).len(), 5);
}

pub fn two_members_share_and_hand_over<L: Log>(log: &L) {
    let topic = Topic::Ledger;
    write(log, "feed", (0..30).map(|i| record(topic, i % 3, format!("{i}"))));
    let (mut one, all) = join(log, "group", "one", &[topic]);
    assert_eq!(all.len(), 3);
    let stale = one.fence().unwrap();
    let mut two = log.inlet("group", "two", &[topic], from_committed()).unwrap();
    let (mut first, mut second, mut revoked) = (Vec::new(), Vec::new(), false);
    for _ in 0..PATIENCE {
        match one.gather(limits(5)).unwrap() {
            Gathered::Revoked { lost } => {
                assert!(!lost && one.fence().is_none());
                revoked = true;
            }
            Gathered::Assigned(assigned) => first = assigned,
            Gathered::Records(_) => {}
        }
        if let Gathered::Assigned(assigned) = two.gather(limits(5)).unwrap() {
            second = assigned;
        }
        if revoked && !first.is_empty() && !second.is_empty() {
            break;
        }
    }
    assert!(revoked);
    let mut owned: Vec<u32> = first.iter().chain(&second).map(|one| one.partition.number).collect();
    owned.sort_unstable();
    assert_eq!(owned, [0, 1, 2], "each partition has one owner");
    assert_refused_after_hand_over(log, &stale, first[0].partition);
    assert!(one.fence().is_some() && two.fence().is_some());
}

fn assert_refused_after_hand_over<L: Log>(log: &L, stale: &<L::Inlet as Inlet>::Fence, owned: Partition) {
    let mut outlet = log.outlet("stale").unwrap();
    outlet.begin().unwrap();
    let refused = outlet.offsets("group", &[(owned, 1)], stale).and_then(|()| outlet.commit());
    assert!(refused.is_err(), "a fence of an earlier assignment commits nothing, owned again or not");
    assert_eq!(log.committed("group", owned).unwrap(), None);
}

pub fn a_new_assignment_pauses_nothing<L: Log>(log: &L) {
    let input = at(Topic::Control, 0);
    let (mut inlet, _) = join(log, "group", "one", &[input.topic]);
    inlet.pause(input).unwrap();
    write(log, "feed", [record(input.topic, 0, "a")]);
    inlet.subscribe(&[input.name(), Topic::SbomSubmitted.into()]).unwrap();
    assigned(&mut inlet);
    assert_eq!(texts(&take(&mut inlet, 1)), ["a"]);
}

/// A member that comes back under its name with other topics, and one that changes them while another is there.
pub fn other_topics_are_read_from_the_next_assignment_on<L: Log>(log: &L) {
    let (shared, more) = (at(Topic::Control, 0), at(own(), 0));
    write(log, "feed", [record(shared.name(), 0, "shared"), record(more.name(), 0, "more")]);
    let (mut inlet, first) = join(log, "group", "one", &[shared.name()]);
    assert_eq!(first.len(), 1);
    assert_eq!(texts(&take(&mut inlet, 1)), ["shared"]);
    let stale = inlet.fence().unwrap();
    inlet.subscribe(&[shared.name(), more.name()]).unwrap();
    let told = (0..PATIENCE).map(|_| inlet.gather(limits(5)).unwrap());
    let told: Vec<Gathered> = told.take_while(|told| !matches!(told, Gathered::Assigned(_))).collect();
    assert!(told.iter().any(|told| matches!(told, Gathered::Revoked { lost: false })), "{told:?}");
    let mut outlet = log.outlet("stale").unwrap();
    outlet.begin().unwrap();
    assert!(outlet.offsets("group", &[(shared, 1)], &stale).and_then(|()| outlet.commit()).is_err());
    drop(outlet);
    let mut seen = texts(&take(&mut inlet, 2));
    seen.sort();
    assert_eq!(seen, ["more", "shared"], "nothing was committed");
    inlet.close().unwrap();

    // Back under its name it may be given what it had; a change of topics then makes the difference.
    let mut back = log.inlet("group", "one", &[shared.name()], from_committed()).unwrap();
    assigned(&mut back);
    back.subscribe(&[shared.name(), more.name()]).unwrap();
    let given = assigned(&mut back);
    assert_eq!(given.iter().filter(|one| one.partition.name() == more.name()).count(), 2, "{given:?}");
}
