//! What arrives: the closed kinds, subject, digest, tenant, ids, strict JSON, limits.

pub mod base64;
pub mod codes;
pub mod digest;
pub mod id;
pub mod jcs;
pub mod json;
mod json_text;
pub mod kind;
pub mod limits;
pub mod now;
pub mod outline;
pub mod partitioner;
pub mod quota;
pub mod subject;
pub mod tenant;
pub mod text;
pub mod time;
pub mod topic;
pub mod topic_name;

pub use digest::Digest;
pub use id::{EventId, event_id};
pub use kind::Kind;
pub use now::Now;
pub use partitioner::partition_of;
pub use quota::Quota;
pub use subject::{Subject, SubjectDigests};
pub use tenant::Tenant;
pub use time::Millis;
pub use topic::Topic;
pub use topic_name::{OwnTopics, Owner, TopicName};
