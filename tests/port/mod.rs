//! What every log must do, whatever is behind the port. `conformance!` makes one test of each for one implementation.

mod groups;
mod reading;
mod steps;
mod transactions;

use attestream::event::Topic;

pub use groups::*;
pub use reading::*;
pub use steps::*;
pub use transactions::*;

/// The topics of a fresh log, and their partitions.
pub const COUNTS: &[(Topic, u32)] =
    &[(Topic::SbomSubmitted, 2), (Topic::Ledger, 3), (Topic::DeadLetter, 2), (Topic::Control, 1)];

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
