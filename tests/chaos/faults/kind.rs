//! The closed set of faults.

use super::{Struck, brokers, clocks, disk, files, foreign, inputs, instances, network};
use crate::chaos::scene::Scene;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    InstanceKilled,
    InstanceAsleep,
    TransactionExpired,
    BrokerKilledInCommit,
    BrokerFrozen,
    NetworkCut,
    CablePulled,
    DiskFull,
    FilesDamaged,
    FolderForeign,
    PoisonStorm,
    LargeRecords,
    ClockSkewed,
}

impl Kind {
    pub const ALL: [Kind; 13] = [
        Kind::InstanceKilled,
        Kind::FilesDamaged,
        Kind::NetworkCut,
        Kind::BrokerKilledInCommit,
        Kind::PoisonStorm,
        Kind::DiskFull,
        Kind::InstanceAsleep,
        Kind::CablePulled,
        Kind::FolderForeign,
        Kind::LargeRecords,
        Kind::ClockSkewed,
        Kind::BrokerFrozen,
        Kind::TransactionExpired,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::InstanceKilled => "instance-killed",
            Kind::InstanceAsleep => "instance-asleep",
            Kind::TransactionExpired => "transaction-expired",
            Kind::BrokerKilledInCommit => "broker-killed-in-commit",
            Kind::BrokerFrozen => "broker-frozen",
            Kind::NetworkCut => "network-cut",
            Kind::CablePulled => "cable-pulled",
            Kind::DiskFull => "disk-full",
            Kind::FilesDamaged => "files-damaged",
            Kind::FolderForeign => "folder-foreign",
            Kind::PoisonStorm => "poison-storm",
            Kind::LargeRecords => "large-records",
            Kind::ClockSkewed => "clock-skewed",
        }
    }

    pub fn strike(self, scene: &mut Scene<'_>) -> Struck {
        match self {
            Kind::InstanceKilled => instances::killed(scene).into(),
            Kind::InstanceAsleep => instances::asleep(scene).into(),
            Kind::TransactionExpired => instances::expired(scene).into(),
            Kind::BrokerKilledInCommit => brokers::killed_in_commit(scene).into(),
            Kind::BrokerFrozen => brokers::frozen(scene).into(),
            Kind::NetworkCut => network::cut(scene).into(),
            Kind::CablePulled => network::pulled(scene).into(),
            Kind::DiskFull => disk::full(scene).into(),
            Kind::FilesDamaged => files::damaged(scene),
            Kind::FolderForeign => foreign::folder(scene),
            Kind::PoisonStorm => inputs::poison(scene).into(),
            Kind::LargeRecords => inputs::large(scene).into(),
            Kind::ClockSkewed => clocks::skewed(scene).into(),
        }
    }
}
