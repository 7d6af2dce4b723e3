//! `POST /control`: a control record comes into force.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::{Gateway, Problem, ProblemCode};
use crate::event::{Digest, Topic};
use crate::ledger::control::ControlRecord;
use crate::log::{Log, Outgoing};

pub(super) async fn control<L: Log>(
    State(gateway): State<Arc<Gateway<L>>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|rejection| Problem::new(ProblemCode::BodyIncomplete, rejection.body_text()))?;
    let record: ControlRecord =
        serde_json::from_slice(&body).map_err(|error| Problem::new(ProblemCode::ControlInvalid, error.to_string()))?;
    let bytes = record.to_bytes();
    let accept = Arc::clone(&gateway.accept);
    let judged = tokio::task::spawn_blocking(move || accept(&record)).await;
    judged
        .map_err(|error| Problem::new(ProblemCode::Internal, error.to_string()))?
        .map_err(|why| Problem::new(ProblemCode::ControlRefused, why))?;
    let digest = Digest::of(&bytes);
    gateway.writer.write(outgoing(bytes)).await?;
    Ok((StatusCode::ACCEPTED, axum::Json(serde_json::json!({ "digest": digest }))).into_response())
}

fn outgoing(value: Vec<u8>) -> Outgoing {
    Outgoing {
        topic: Topic::Control,
        owner: None,
        partition: Some(0),
        key: Some(b"activate".to_vec()),
        value: Some(value),
        headers: Vec::new(),
    }
}
