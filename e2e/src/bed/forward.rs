//! A port of a pod, through the API server: tests run outside the cluster's network.

use k8s_openapi::api::core::v1::Pod;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::namespace::Bed;

/// What a port speaks through.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Bed {
    /// A connection to a port of a pod.
    ///
    /// # Errors
    /// When there is no such pod, or it is going.
    pub async fn forward(&self, pod: &str, port: u16) -> Result<Box<dyn Stream>, kube::Error> {
        let mut forwarder = self.api::<Pod>().portforward(pod, &[port]).await?;
        let stream = forwarder.take_stream(port);
        // The forwarder goes on by itself until the stream is dropped.
        Ok(Box::new(stream.expect("the port that was asked for")))
    }

    /// The answer of a pod to an HTTP GET: status and body. `None`: it does not answer.
    pub async fn get(&self, pod: &str, port: u16, path: &str, headers: &[(&str, &str)]) -> Option<(u16, String)> {
        let mut stream = self.forward(pod, port).await.ok()?;
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        // 1.0, so that the body ends with the connection and has no chunks.
        let request = format!("GET {path} HTTP/1.0\r\nHost: {pod}\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split_ascii_whitespace().nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }
}
