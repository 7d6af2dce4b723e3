//! The binary as a child process, ended by the test that began it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_secs(60);

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attestream"));
    command.args(arguments).env("ATTESTREAM_LOG", "error").stdin(Stdio::null());
    command
}

/// A command that is told where a file may not grow, and not ended: a full disk sends no signal.
fn patient(arguments: &[&str]) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "bash", env!("CARGO_BIN_EXE_attestream")]).args(arguments);
    shell.env("ATTESTREAM_LOG", "error").stdin(Stdio::null());
    shell
}

/// Runs a command to its end.
pub fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A running process.
pub struct Running {
    child: Child,
    pub server: String,
}

impl Running {
    /// Starts `up` and reads where it listens.
    pub fn up(data: &Path, more: &[&str]) -> Running {
        let mut arguments = vec!["up"];
        arguments.extend(more);
        Running::start(data, &arguments)
    }

    /// Starts any command that serves.
    pub fn start(data: &Path, arguments: &[&str]) -> Running {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
        let mut child = patient(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let server = line.trim().strip_prefix("attestream listens on ").unwrap_or_else(|| panic!("{line:?}"));
        Running { server: server.to_owned(), child }
    }

    /// The disk takes nothing any more: no file of the process may grow. Until [`Running::disk_has_room`].
    pub fn disk_is_full(&self) {
        self.file_size("1");
    }

    pub fn disk_has_room(&self) {
        self.file_size("unlimited");
    }

    fn file_size(&self, soft: &str) {
        let (pid, limit) = (format!("--pid={}", self.child.id()), format!("--fsize={soft}:"));
        assert!(Command::new("prlimit").args([pid, limit]).status().unwrap().success());
    }

    /// Ends it as an operator does, and returns its exit code.
    pub fn stop(mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap()
    }

    pub fn get(&self, path: &str) -> (u16, String) {
        answer(agent().get(format!("{}{path}", self.server)).call())
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
        let request = agent().post(format!("{}{path}", self.server));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        answer(request.send(body))
    }

    pub fn until_ready(&self) {
        until("ready", || self.get("/readyz").0 == 200);
    }

    /// All records of a topic.
    pub fn records(&self, topic: &str) -> Vec<Value> {
        let (status, text) = self.get(&format!("/topics/{topic}/records?from=beginning&until_end=true"));
        assert_eq!(status, 200, "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn command(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut arguments = arguments.to_vec();
        arguments.extend(["--server", &self.server]);
        run(&arguments)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It is gone already where the test stopped it.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Looks again until it holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "not {what} in time");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().new_agent()
}

fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> (u16, String) {
    let mut response = response.unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}
