//! A client that writes only while this process leads.
//!
//! Stopping the controller when the lease is lost is not enough: a process that was stopped for a minute and goes on finishes the request
//! it was about to send. So every request that changes something is held against the clock just before it is sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::http::{Method, Request};
use futures::future::{Either, Ready, ready};
use tokio::time::Instant;
use tower::{BoxError, Layer, Service};

/// Until when this process may write; clones share it.
#[derive(Clone, Debug)]
pub struct Fence(Arc<Mutex<Until>>);

#[derive(Clone, Copy, Debug)]
enum Until {
    /// For ever: nobody else may write.
    Always,
    Closed,
    Then(Instant),
}

/// A write that came too late.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this operator does not lead any more, so it writes nothing")]
pub struct NotLeading;

impl Fence {
    /// One that is closed until the lease is held.
    #[must_use]
    pub fn closed() -> Self {
        Self(Arc::new(Mutex::new(Until::Closed)))
    }

    /// One that is always open, for an operator that is the only one.
    #[must_use]
    pub fn open() -> Self {
        Self(Arc::new(Mutex::new(Until::Always)))
    }

    /// Opens it until a time.
    pub fn open_until(&self, time: Instant) {
        self.set(Until::Then(time));
    }

    /// Closes it.
    pub fn close(&self) {
        self.set(Until::Closed);
    }

    /// A std lock: held for one copy, never across an await.
    fn set(&self, until: Until) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// Whether this process may write now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Until::Always => true,
            Until::Closed => false,
            Until::Then(time) => Instant::now() < time,
        }
    }
}

impl<S> Layer<S> for Fence {
    type Service = Fenced<S>;

    fn layer(&self, inner: S) -> Fenced<S> {
        Fenced { fence: self.clone(), inner }
    }
}

/// A service behind the fence.
#[derive(Clone, Debug)]
pub struct Fenced<S> {
    fence: Fence,
    inner: S,
}

impl<S, B> Service<Request<B>> for Fenced<S>
where
    S: Service<Request<B>>,
    S::Error: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future =
        Either<futures::future::MapErr<S::Future, fn(S::Error) -> BoxError>, Ready<Result<S::Response, BoxError>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.method() == Method::GET || self.fence.is_open() {
            let into: fn(S::Error) -> BoxError = Into::into;
            return Either::Left(futures::TryFutureExt::map_err(self.inner.call(request), into));
        }
        Either::Right(ready(Err(NotLeading.into())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tower::ServiceExt;

    use super::*;

    async fn sends(fence: &Fence, method: Method) -> bool {
        let inner = tower::service_fn(|_: Request<()>| ready(Ok::<_, BoxError>(())));
        let request = Request::builder().method(method).body(()).unwrap();
        fence.layer(inner).oneshot(request).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn o34_nothing_is_written_once_the_time_is_over() {
        let fence = Fence::closed();
        assert!(!sends(&fence, Method::PATCH).await && sends(&fence, Method::GET).await);
        fence.open_until(Instant::now() + Duration::from_secs(10));
        assert!(sends(&fence, Method::PATCH).await && sends(&fence, Method::DELETE).await);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!sends(&fence, Method::POST).await && sends(&fence, Method::GET).await);
        assert!(sends(&Fence::open(), Method::PUT).await);
    }
}
