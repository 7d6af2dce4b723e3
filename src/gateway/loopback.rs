//! Paths for this machine alone: whoever can open a loopback connection, and no page in a browser.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::{Problem, ProblemCode};

/// Refuses others. A browser on this machine may be made to send requests by any page that it shows: such requests have
/// an `Origin`, or, where a name was made to point here, another `Host`.
pub(super) async fn guard(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    match refusal(peer, request.headers()) {
        None => next.run(request).await,
        Some(why) => Problem::new(ProblemCode::LoopbackOnly, why).into_response(),
    }
}

fn refusal(peer: SocketAddr, headers: &HeaderMap) -> Option<&'static str> {
    if !peer.ip().to_canonical().is_loopback() {
        return Some("the connection does not come from this machine");
    }
    if headers.contains_key(header::ORIGIN) {
        return Some("the request comes from a page in a browser");
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if !host.is_some_and(is_loopback_name) {
        return Some("the request names another host");
    }
    None
}

fn is_loopback_name(host: &str) -> bool {
    if host.parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback()) {
        return true;
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(peer: &str, headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        refusal(peer.parse().unwrap(), &map).is_none()
    }

    #[test]
    fn this_machine_alone() {
        for host in ["localhost", "localhost:7070", "127.0.0.1:7070", "127.0.0.1", "[::1]:7070", "[::1]"] {
            assert!(asked("127.0.0.1:5", &[("host", host)]), "{host}");
        }
        assert!(asked("[::1]:5", &[("host", "localhost")]));
        assert!(asked("[::ffff:127.0.0.1]:5", &[("host", "localhost")]));
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7070", "10.0.0.1", ""] {
            assert!(!asked("127.0.0.1:5", &[("host", host)]), "{host}");
        }
        assert!(!asked("10.0.0.1:5", &[("host", "localhost")]));
        assert!(!asked("127.0.0.1:5", &[("host", "localhost"), ("origin", "http://localhost:7070")]));
        assert!(!asked("127.0.0.1:5", &[]));
    }
}
