//! The paths, and serving them until told to stop.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::control::control;
use super::loopback::guard;
use super::publish::publish;
use super::records::records;
use super::{Gateway, Problem, ProblemCode};
use crate::event::limits;
use crate::log::Log;

/// How long open requests may take to end.
const GRACE: Duration = Duration::from_secs(5);

fn router<L: Log>(gateway: Arc<Gateway<L>>) -> Router {
    let here = Router::new()
        .route("/control", post(control::<L>))
        .route("/topics/{topic}", post(publish::<L>))
        .route("/topics/{topic}/records", get(records::<L>))
        .layer(DefaultBodyLimit::max(limits::RECORD_MAX))
        .layer(axum::middleware::from_fn(guard));
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz::<L>))
        .route("/metrics", get(metrics::<L>))
        .merge(here)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .with_state(gateway)
}

/// The process runs. Nothing else is asked: a broker that is away is no reason to be killed.
async fn livez() -> &'static str {
    "ok\n"
}

async fn readyz<L: Log>(State(gateway): State<Arc<Gateway<L>>>) -> Response {
    let reasons = gateway.health.reasons();
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let shown: Vec<_> =
        reasons.iter().map(|reason| json!({ "code": reason.code.code(), "detail": reason.detail })).collect();
    (status, axum::Json(json!({ "ready": reasons.is_empty(), "reasons": shown }))).into_response()
}

async fn metrics<L: Log>(State(gateway): State<Arc<Gateway<L>>>) -> Result<Response, Problem> {
    let text = gateway.metrics.text().map_err(|error| Problem::new(ProblemCode::Internal, error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

async fn not_found(uri: axum::http::Uri) -> Problem {
    Problem::new(ProblemCode::NotFound, uri.path())
}

async fn method_not_allowed(method: axum::http::Method) -> Problem {
    Problem::new(ProblemCode::MethodNotAllowed, method.as_str())
}

/// HTTP being served.
pub struct Server {
    pub address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

/// Serves on a bound listener.
pub fn serve<L: Log>(runtime: &Runtime, listener: TcpListener, gateway: Arc<Gateway<L>>) -> std::io::Result<Server> {
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let (stop, stopped) = oneshot::channel();
    let service = router(gateway).into_make_service_with_connect_info::<SocketAddr>();
    let served = runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let until = async move { drop(stopped.await) };
        axum::serve(listener, service).with_graceful_shutdown(until).await
    });
    Ok(Server { address, stop, served })
}

impl Server {
    /// Takes no more requests, and gives the open ones a while.
    pub fn stop(self, runtime: &Runtime) {
        // Nobody listens where the server has ended by itself.
        let _: Result<(), ()> = self.stop.send(());
        let served = self.served;
        runtime.block_on(async move {
            drop(tokio::time::timeout(GRACE, served).await);
        });
    }
}
