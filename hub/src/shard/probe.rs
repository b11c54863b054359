//! The probe: where the delivery canary comes out. A socket that is nobody's connection, so it is not counted, listed, drained or sent broadcasts; but what
//! is said to its client reaches it as it reaches everybody: log, view, pass, one vectored write to a socket of the kernel.

use std::io::IoSlice;

use mio::net::TcpStream;

use super::transport::Transport;
use super::turn::Core;
use crate::log::{Position, StreamId};
use crate::protocol::{ClientId, Format, Target};

/// A canary is one small frame; of several that come together, as many as this are written.
const MAX_RUNS: usize = 64;
const MAX_BYTES: usize = 64 << 10;

/// Where the canary of a shard comes out.
#[derive(Debug)]
pub(super) struct Probe {
    transport: Transport,
    stream: StreamId,
}

impl Core {
    /// From now on, what is said to `client` goes to `socket` too.
    pub(super) fn set_probe(&mut self, client: ClientId, socket: TcpStream) {
        let target = Target::Client(client);
        let stream = self.view.retain(&target);
        if let Some(before) = self.probe.replace(Probe { transport: Transport::Plain(socket), stream }) {
            self.view.release(before.stream);
        }
    }

    /// Writes what is new for the probe. What the kernel does not take is gone: the canary then says so.
    pub(super) fn feed_probe(&mut self) {
        let Some(probe) = self.probe.as_mut().filter(|probe| self.pass.has_news(probe.stream)) else { return };
        let fresh = self.pass.fresh.start;
        let positions: Vec<Position> = self.view.positions_from(probe.stream, fresh).collect();
        self.view.gather_exactly(Format::Json, &positions, MAX_RUNS, MAX_BYTES, &mut self.pass.runs);
        let mut slices: Vec<IoSlice<'_>> = Vec::new();
        self.pass.runs.slices(Format::Json, &mut slices);
        if slices.is_empty() {
            return;
        }
        match probe.transport.write(&slices) {
            Ok(written) if !written.blocked => {}
            Ok(_) => tracing::warn!("the kernel did not take the delivery canary"),
            Err(error) => tracing::warn!(%error, "the delivery canary was not written"),
        }
    }
}
