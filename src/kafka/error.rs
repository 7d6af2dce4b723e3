//! Every librdkafka error as a member of the port's closed set.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::log::LogError;

/// Maps an error of an operation outside a transaction. `what` was being done.
pub(super) fn of(what: &str, error: &KafkaError) -> LogError {
    match error {
        // The value is left out: it may be a secret.
        KafkaError::ClientConfig(_, _, name, _) => {
            LogError::Configuration(format!("property {name} is unknown, or its value is not among those expected"))
        }
        KafkaError::ClientCreation(text) | KafkaError::AdminOpCreation(text) | KafkaError::Subscription(text) => {
            LogError::Configuration(format!("{what}: {text}"))
        }
        KafkaError::AdminOp(code) => of_code(what, *code),
        // The partition is not (any more, or yet) this consumer's to move.
        KafkaError::Seek(text) | KafkaError::PauseResume(text) => LogError::Fenced(format!("{what}: {text}")),
        KafkaError::Nul(_) => LogError::Record(format!("{what}: a NUL in a name")),
        other => match other.rdkafka_error_code() {
            Some(code) => of_code(what, code),
            None => LogError::Unreachable(format!("{what}: {other}")),
        },
    }
}

/// Maps an error on the transaction path: what is not a fence or a defect leaves the outcome open.
pub(super) fn of_transaction(what: &str, error: &KafkaError) -> LogError {
    let detail = match error {
        KafkaError::Transaction(error) => error.string(),
        other => other.to_string(),
    };
    match of(what, error) {
        LogError::Unreachable(_) => LogError::Transaction(format!("{what}: {detail}")),
        LogError::Fenced(_) => LogError::Fenced(format!("{what}: {detail}")),
        other => other,
    }
}

/// Whether a consumer's error event is news of the connection, which librdkafka mends by itself.
pub(super) fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::NetworkException
            | Code::BrokerNotAvailable
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::ReplicaNotAvailable
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::NotCoordinator
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::WaitingForCoordinator
            | Code::RebalanceInProgress
            // These two end in a revocation, which says it better.
            | Code::PollExceeded
            | Code::UnknownMemberId
    )
}

pub(super) fn of_code(what: &str, code: Code) -> LogError {
    let text = format!("{what}: {code}");
    match code {
        Code::Fenced
        | Code::ProducerFenced
        | Code::InvalidProducerEpoch
        | Code::InvalidProducerIdMapping
        | Code::TransactionCoordinatorFenced
        | Code::IllegalGeneration
        | Code::UnknownMemberId
        | Code::FencedInstanceId
        | Code::FencedMemberEpoch
        | Code::StaleMemberEpoch
        | Code::UnreleasedInstanceId
        | Code::AssignmentLost
        | Code::PollExceeded
        | Code::State => LogError::Fenced(text),
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicId => {
            LogError::Topic { topic: what.into(), problem: "it does not exist on the cluster".into() }
        }
        Code::MessageSizeTooLarge
        | Code::MessageBatchTooLarge
        | Code::InvalidMessageSize
        | Code::InvalidRecord
        | Code::InvalidTimestamp => LogError::Record(text),
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::SSL
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState
        | Code::SecurityDisabled
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::InvalidArgument
        | Code::InvalidConfig
        | Code::InvalidGroupId
        | Code::InvalidSessionTimeout
        | Code::InvalidTransactionTimeout
        | Code::InvalidReplicationFactor
        | Code::InvalidPartitions
        | Code::PolicyViolation
        | Code::InconsistentGroupProtocol
        | Code::UnsupportedVersion
        | Code::UnsupportedFeature => LogError::Configuration(text),
        // A batch whose checksum is wrong or that cannot be read.
        Code::BadMessage | Code::BadCompression | Code::InvalidMessage | Code::KafkaStorageError => {
            LogError::Storage(text)
        }
        Code::InvalidTransactionalState | Code::OutOfOrderSequenceNumber | Code::UnknownProducerId => {
            LogError::Transaction(text)
        }
        // Everything else is a broker that cannot answer now: another try is the answer to it.
        _ => LogError::Unreachable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_records_and_settings_are_told_apart_from_an_absent_broker() {
        assert!(matches!(of_code("x", Code::ProducerFenced), LogError::Fenced(_)));
        assert!(matches!(of_code("x", Code::IllegalGeneration), LogError::Fenced(_)));
        assert!(matches!(of_code("x", Code::MessageSizeTooLarge), LogError::Record(_)));
        assert!(matches!(of_code("x", Code::TopicAuthorizationFailed), LogError::Configuration(_)));
        assert!(matches!(of_code("x", Code::UnknownTopicOrPartition), LogError::Topic { .. }));
        assert!(matches!(of_code("x", Code::AllBrokersDown), LogError::Unreachable(_)));
        let timed_out = KafkaError::Global(Code::OperationTimedOut);
        assert!(matches!(of_transaction("commit", &timed_out), LogError::Transaction(_)));
    }
}
