//! Every error of the HTTP surface as a problem document (RFC 9457). This file alone maps errors to a status.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::writer::WriteError;
use crate::log::LogError;

crate::codes! {
    /// What a client can be told.
    pub enum ProblemCode {
        /// The path is served to this machine alone.
        LoopbackOnly = "loopback-only",
        /// Nothing is served here.
        NotFound = "not-found",
        /// The path does not take this method.
        MethodNotAllowed = "method-not-allowed",
        /// There is no topic of this name.
        TopicUnknown = "topic-unknown",
        /// The topic is written by this system alone.
        TopicNotAnInput = "topic-not-an-input",
        /// The value, or key and headers, are larger than a record may be.
        RecordTooLarge = "record-too-large",
        /// The body did not arrive whole.
        BodyIncomplete = "body-incomplete",
        /// `x-tenant` is no tenant's name.
        TenantInvalid = "tenant-invalid",
        /// The topic, `x-tenant` and the key name different tenants, or the tenant has topics of its own for this.
        TenantMismatch = "tenant-mismatch",
        /// The tenant has sent more than its rate.
        RateExceeded = "rate-exceeded",
        /// A header cannot be passed on as it is.
        HeaderInvalid = "header-invalid",
        /// A parameter of the query is unknown or has another value than those expected.
        QueryInvalid = "query-invalid",
        /// The body is no control record.
        ControlInvalid = "control-invalid",
        /// The control record would not come into force.
        ControlRefused = "control-refused",
        /// More requests than this process takes at once.
        Overloaded = "overloaded",
        /// The log does not answer; nothing was written.
        LogUnavailable = "log-unavailable",
        /// The log failed in the commit: the record is written or not. Sending it again is harmless.
        OutcomeUnknown = "outcome-unknown",
        /// The process is about to end.
        Stopping = "stopping",
        /// A defect.
        Internal = "internal",
    }
}

impl ProblemCode {
    pub const fn status(self) -> StatusCode {
        match self {
            ProblemCode::LoopbackOnly | ProblemCode::TenantMismatch => StatusCode::FORBIDDEN,
            ProblemCode::RateExceeded => StatusCode::TOO_MANY_REQUESTS,
            ProblemCode::NotFound | ProblemCode::TopicUnknown => StatusCode::NOT_FOUND,
            ProblemCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            ProblemCode::TopicNotAnInput => StatusCode::CONFLICT,
            ProblemCode::RecordTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ProblemCode::BodyIncomplete
            | ProblemCode::TenantInvalid
            | ProblemCode::HeaderInvalid
            | ProblemCode::QueryInvalid
            | ProblemCode::ControlInvalid => StatusCode::BAD_REQUEST,
            ProblemCode::ControlRefused => StatusCode::UNPROCESSABLE_ENTITY,
            ProblemCode::Overloaded
            | ProblemCode::LogUnavailable
            | ProblemCode::OutcomeUnknown
            | ProblemCode::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            ProblemCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            ProblemCode::LoopbackOnly => "This path is served to this machine alone",
            ProblemCode::NotFound => "Nothing is served here",
            ProblemCode::MethodNotAllowed => "This path does not take this method",
            ProblemCode::TopicUnknown => "There is no topic of this name",
            ProblemCode::TopicNotAnInput => "This topic is written by this system alone",
            ProblemCode::RecordTooLarge => "The record is too large",
            ProblemCode::BodyIncomplete => "The body did not arrive whole",
            ProblemCode::TenantInvalid => "x-tenant is no tenant's name",
            ProblemCode::TenantMismatch => "This topic is not for this tenant",
            ProblemCode::RateExceeded => "The tenant is over its rate",
            ProblemCode::HeaderInvalid => "A header cannot be passed on",
            ProblemCode::QueryInvalid => "A parameter of the query is not among those expected",
            ProblemCode::ControlInvalid => "The body is no control record",
            ProblemCode::ControlRefused => "This would not come into force",
            ProblemCode::Overloaded => "Too many requests at once",
            ProblemCode::LogUnavailable => "The log does not answer",
            ProblemCode::OutcomeUnknown => "The outcome of the write is unknown",
            ProblemCode::Stopping => "The process is about to end",
            ProblemCode::Internal => "An error inside",
        }
    }
}

/// A refusal and what a person should know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: ProblemCode,
    pub detail: String,
    /// How long to wait before another try.
    pub retry_after: Option<Duration>,
}

impl Problem {
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Problem { code, detail: detail.into(), retry_after: None }
    }

    pub fn after(self, wait: Duration) -> Self {
        Problem { retry_after: Some(wait), ..self }
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        Problem::new(ProblemCode::LogUnavailable, error.to_string())
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        let code = match &error {
            WriteError::Overloaded => ProblemCode::Overloaded,
            WriteError::NotWritten(_) => ProblemCode::LogUnavailable,
            WriteError::Unknown(_) => ProblemCode::OutcomeUnknown,
            WriteError::Stopping => ProblemCode::Stopping,
        };
        Problem::new(code, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem { code, detail, retry_after } = self;
        let status = code.status();
        let document = json!({
            "type": format!("urn:attestream:problem:{code}"),
            "title": code.title(),
            "status": status.as_u16(),
            "detail": detail,
            "code": code.code(),
        });
        let headers = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, headers, document.to_string()).into_response();
        if let Some(wait) = retry_after {
            // Whole seconds, and never too few.
            let seconds = HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_over_the_rate_says_when_to_come_again() {
        let after = |wait: Duration| {
            let response = Problem::new(ProblemCode::RateExceeded, "acme").after(wait).into_response();
            assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
            response.headers().get(header::RETRY_AFTER).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(after(Duration::from_secs(3)), "3");
        assert_eq!(after(Duration::from_millis(3_001)), "4");
        assert!(!Problem::new(ProblemCode::Overloaded, "").into_response().headers().contains_key(header::RETRY_AFTER));
    }
}
