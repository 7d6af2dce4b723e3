//! A client of a running process.

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use super::exit::{Exit, Failure};
use crate::event::TopicName;
use crate::gateway::Line;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What a server refused, by its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub status: u16,
    pub code: String,
    pub detail: String,
}

impl Refused {
    /// Whether another try may be answered otherwise.
    pub const fn is_passing(&self) -> bool {
        self.status >= 500 || self.status == 429
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let exit = if refused.is_passing() { Exit::Io } else { Exit::Failed };
        Failure::new(exit, format!("{}: {}", refused.code, refused.detail))
    }
}

/// A running process.
pub struct Client {
    agent: ureq::Agent,
    server: String,
}

impl Client {
    pub fn new(server: &str) -> Result<Self, Failure> {
        if !server.starts_with("http://") {
            return Err(Failure::new(Exit::Usage, format!("--server: expected http://host:port, got {server:?}")));
        }
        // A proxy would stand between this machine and itself.
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .proxy(None)
            .build()
            .new_agent();
        Ok(Client { agent, server: server.trim_end_matches('/').to_owned() })
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let hint = "is `attestream up` running there? (--server URL, or --brokers LIST)";
        Failure::io(format!("{} cannot be reached: {error}; {hint}", self.server))
    }

    /// Sends one record; `Ok(Err(…))` is an answer too.
    pub fn publish(
        &self,
        topic: TopicName,
        tenant: &str,
        key: &str,
        value: &[u8],
    ) -> Result<Result<(), Refused>, Failure> {
        let url = format!("{}/topics/{topic}", self.server);
        let request = self.agent.post(url).header("x-tenant", tenant).header("attestream-key", key);
        let response = request.send(value).map_err(|error| self.unreachable(&error))?;
        Ok(self.answer(response))
    }

    pub fn control(&self, record: &[u8]) -> Result<(), Failure> {
        let request = self.agent.post(format!("{}/control", self.server));
        let response = request.send(record).map_err(|error| self.unreachable(&error))?;
        Ok(self.answer(response)?)
    }

    fn answer(&self, mut response: ureq::http::Response<ureq::Body>) -> Result<(), Refused> {
        let status = response.status().as_u16();
        if (200..300).contains(&status) {
            return Ok(());
        }
        let text = response.body_mut().read_to_string().unwrap_or_default();
        let problem: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let member = |name: &str| problem.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        let code = member("code").unwrap_or_else(|| format!("http-{status}"));
        Err(Refused { status, code, detail: member("detail").unwrap_or_default() })
    }

    /// Reads a topic; `each` gets every record until it says false.
    pub fn tail(
        &self,
        topic: &str,
        from_beginning: bool,
        until_end: bool,
        mut each: impl FnMut(Line) -> bool,
    ) -> Result<(), Failure> {
        let from = if from_beginning { "beginning" } else { "end" };
        let url = format!("{}/topics/{topic}/records?from={from}&until_end={until_end}", self.server);
        let response = self.agent.get(url).call().map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Ok(self.answer(response)?);
        }
        let broken =
            |error: &dyn std::fmt::Display| Failure::io(format!("{}: the stream broke off: {error}", self.server));
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            let line = line.map_err(|error| broken(&error))?;
            let line: Line = serde_json::from_str(&line).map_err(|error| broken(&error))?;
            if !each(line) {
                break;
            }
        }
        Ok(())
    }
}
