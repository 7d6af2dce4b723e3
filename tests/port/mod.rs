//! What every log must do, whatever is behind the port. `conformance!` makes one test of each for one implementation.

mod groups;
mod reading;
mod steps;
mod transactions;

use attestream::event::{Tenant, Topic, TopicName};

pub use groups::*;
pub use reading::*;
pub use steps::*;
pub use transactions::*;

/// The topics of a fresh log, and their partitions.
pub const COUNTS: &[(Topic, u32)] =
    &[(Topic::SbomSubmitted, 2), (Topic::Ledger, 3), (Topic::DeadLetter, 2), (Topic::Control, 1)];

/// A topic of one tenant's own, which a fresh log has too.
pub fn own() -> TopicName {
    TopicName::own(&Tenant::new("acme").unwrap(), Topic::SbomSubmitted)
}

/// A test per property. `$fresh` gives `Some(log)` with the topics of `COUNTS`, or `None` to skip.
#[macro_export]
macro_rules! conformance {
    ($fresh:expr) => {
        $crate::conformance! { @each $fresh;
            outputs_and_offsets_appear_together,
            what_is_aborted_is_never_seen,
            an_older_outlet_of_the_same_id_cannot_commit,
            a_dropped_outlet_leaves_nothing,
            the_fence_of_a_closed_member_is_refused,
            the_fence_of_a_replaced_member_is_refused,
            no_offsets_or_another_groups_are_refused,
            reading_restarts_where_the_group_committed,
            the_start_is_decided_by_the_caller,
            gather_keeps_its_limits,
            order_holds_per_partition,
            a_reader_ends_behind_aborted_records_and_markers,
            a_reader_of_several_topics_ends_in_each,
            a_reader_outside_the_log_is_refused,
            records_come_back_byte_for_byte,
            keys_choose_partitions_as_every_client_does,
            an_unknown_partition_is_refused,
            seeking_back_delivers_again,
            a_paused_partition_is_silent_and_the_others_are_not,
            a_resumed_partition_goes_on_where_it_stood,
            a_paused_partition_that_is_moved_goes_on_from_there,
            what_is_not_owned_is_neither_paused_nor_resumed,
            a_new_assignment_pauses_nothing,
            own_topics_are_topics_of_their_own,
            other_topics_are_read_from_the_next_assignment_on,
            keeping_alive_loses_nothing,
            two_members_share_and_hand_over,
        }
    };
    (@each $fresh:expr; $($name:ident,)+) => {
        $(#[test]
        fn $name() {
            let fresh = $fresh;
            if let Some(log) = fresh() {
                $crate::port::$name(&log);
            }
        })+
    };
}
