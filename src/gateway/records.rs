//! `GET /topics/{topic}/records`: a topic's records as lines of JSON, as they are committed.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{Gateway, Line, Problem, ProblemCode};
use crate::event::TopicName;
use crate::log::{Log, LogError, Partition, Reader as _};

/// Lines that wait for a slow client at most.
const AHEAD: usize = 64;
/// Records of one read.
const CHUNK: usize = 100;
/// How long one read waits: how soon a client that has gone, or the process's end, is noticed.
const PATIENCE: Duration = Duration::from_millis(200);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub from_beginning: bool,
    pub until_end: bool,
    pub limit: u64,
}

impl Asked {
    /// Reads `from=beginning|end`, `until_end=true|false`, `limit=N`.
    fn parse(query: &str) -> Result<Self, Problem> {
        let mut asked = Asked { from_beginning: false, until_end: false, limit: u64::MAX };
        let mut seen = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let invalid = |expected: &str| {
                let detail = format!("{name}: expected {expected}, got {value:?}");
                Err(Problem::new(ProblemCode::QueryInvalid, detail))
            };
            if seen.insert(name.to_owned(), ()).is_some() {
                return invalid("one value");
            }
            match (name, value) {
                ("from", "beginning") => asked.from_beginning = true,
                ("from", "end") => asked.from_beginning = false,
                ("from", _) => return invalid("beginning or end"),
                ("until_end", "true") => asked.until_end = true,
                ("until_end", "false") => asked.until_end = false,
                ("until_end", _) => return invalid("true or false"),
                ("limit", number) => match number.parse() {
                    Ok(limit) => asked.limit = limit,
                    Err(_) => return invalid("a whole number"),
                },
                _ => return invalid("from, until_end or limit"),
            }
        }
        Ok(asked)
    }
}

pub(super) async fn records<L: Log>(
    State(gateway): State<Arc<Gateway<L>>>,
    Path(topic): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let topic = match TopicName::split(&topic) {
        Some((None, topic)) => Some(topic.into()),
        Some((Some(owner), of)) => gateway.entries().await?.name(Some(&owner), of),
        None => None,
    }
    .ok_or_else(|| Problem::new(ProblemCode::TopicUnknown, topic))?;
    let asked = Asked::parse(query.as_deref().unwrap_or_default())?;
    let permit = Arc::clone(&gateway.readers).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::new(ProblemCode::Overloaded, "too many clients read topics"))?;
    let (lines, receiver) = mpsc::channel(AHEAD);
    let opened = tokio::task::spawn_blocking({
        let gateway = Arc::clone(&gateway);
        move || open(&gateway.log, topic, asked.from_beginning)
    });
    let reader = opened.await.map_err(|error| Problem::new(ProblemCode::Internal, error.to_string()))??;
    tokio::task::spawn_blocking(move || stream(&gateway, reader, asked, &lines, permit));
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((headers, Body::from_stream(Lines(receiver))).into_response())
}

/// A reader of all partitions of a topic, from its beginning or its end.
pub fn open<L: Log>(log: &L, topic: impl Into<TopicName>, from_beginning: bool) -> Result<L::Reader, LogError> {
    let topic = topic.into();
    let mut start = Vec::new();
    for number in 0..log.partitions(topic)? {
        let partition = Partition::of(topic, number);
        let range = log.range(partition)?;
        start.push((partition, if from_beginning { range.first } else { range.end }));
    }
    log.reader(&start)
}

fn stream<L: Log>(
    gateway: &Gateway<L>,
    mut reader: L::Reader,
    asked: Asked,
    lines: &mpsc::Sender<Result<Bytes, LogError>>,
    permit: OwnedSemaphorePermit,
) {
    let mut left = asked.limit;
    while left > 0 && !lines.is_closed() && !gateway.is_closing() {
        let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let outcome = reader.read(most, PATIENCE).and_then(|records| {
            let ended = records.is_empty() && asked.until_end && reader.at_end()?;
            Ok((records, ended))
        });
        let (records, ended) = match outcome {
            Ok(read) => read,
            // The client sees a stream that breaks off, never one that seems whole.
            Err(error) => return drop(lines.blocking_send(Err(error))),
        };
        for record in records {
            left -= 1;
            if lines.blocking_send(Ok(Bytes::from(Line::of(&record).to_bytes()))).is_err() {
                return;
            }
        }
        if ended {
            return;
        }
    }
    // Who asked for so many records, or all there are, must not take for all what the end of this process cut off.
    if left > 0 && gateway.is_closing() && (asked.until_end || asked.limit < u64::MAX) {
        drop(lines.blocking_send(Err(LogError::Unreachable("the server is closing".to_owned()))));
    }
    drop(permit);
}

/// The lines as a stream of body frames.
struct Lines(mpsc::Receiver<Result<Bytes, LogError>>);

impl futures_core::Stream for Lines {
    type Item = Result<Bytes, LogError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_what_is_wrong_with_it() {
        let all = Asked { from_beginning: true, until_end: true, limit: 3 };
        assert_eq!(Asked::parse("from=beginning&until_end=true&limit=3"), Ok(all));
        assert_eq!(Asked::parse(""), Ok(Asked { from_beginning: false, until_end: false, limit: u64::MAX }));
        for wrong in ["from=start", "until_end", "until_end=yes", "limit=-1", "limit=", "form=end", "limit=1&limit=2"] {
            assert_eq!(Asked::parse(wrong).unwrap_err().code, ProblemCode::QueryInvalid, "{wrong}");
        }
    }
}
