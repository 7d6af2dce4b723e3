//! Every error of the HTTP surface as a problem document (RFC 9457). This file alone maps errors to a status.

use axum::http::{StatusCode, header};
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
            ProblemCode::LoopbackOnly => StatusCode::FORBIDDEN,
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
}

impl Problem {
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Problem { code, detail: detail.into() }
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
        let Problem { code, detail } = self;
        let status = code.status();
        let document = json!({
            "type": format!("urn:attestream:problem:{code}"),
            "title": code.title(),
            "status": status.as_u16(),
            "detail": detail,
            "code": code.code(),
        });
        let headers = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, headers, document.to_string()).into_response()
    }
}
