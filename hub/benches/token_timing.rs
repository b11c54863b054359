//! S28, measured: does the time of a refusal tell where a wrong token differs from the right one?
//!
//! `cargo bench -p gohub --bench token_timing` asks many times, in random order, about tokens that are wrong in the first or in the last byte,
//! and prints Welch's t of the two: a magnitude below 4.5 is no evidence of a difference. It judges nothing: a busy machine says
//! anything once. That secrets are compared by one function alone is held by `hub/tests/secrets.rs`.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use gohub::auth::Auth;
use gohub::lifecycle::Tasks;
use gohub::metrics::Metrics;
use gohub::{AddressBlock, Settings};
use gohub_settings::{Secret, Token};

const ROUNDS: usize = 400_000;
/// Interruptions of the process, which have nothing to do with what it does, are the slowest of these.
const KEPT: f64 = 0.95;

fn settings(token: &str) -> Settings {
    let mut settings = Settings::default();
    settings.auth.required = true;
    // Or nobody would compare anything after the first of them.
    settings.auth.lockout.wrong_tokens = 0;
    settings.auth.tokens = vec![Token { token: Secret::new(token), client_id: "alice".to_owned(), capabilities: None }];
    settings
}

/// Mean, variance and number of the fastest.
fn summary(mut nanos: Vec<f64>) -> (f64, f64, f64) {
    nanos.sort_by(f64::total_cmp);
    nanos.truncate((nanos.len() as f64 * KEPT) as usize);
    let count = nanos.len() as f64;
    let mean = nanos.iter().sum::<f64>() / count;
    let variance = nanos.iter().map(|nano| (nano - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, variance, count)
}

#[expect(clippy::print_stdout, reason = "what a bench is for")]
fn main() {
    let right = "0123456789abcdef".repeat(16);
    let (first, last) = (format!("X{}", &right[1..]), format!("{}X", &right[..right.len() - 1]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (first, last) = runtime.block_on(async {
        let tasks = Tasks::new(tokio::runtime::Handle::current());
        let auth = Auth::start(&settings(&right), Arc::clone(Metrics::default().net()), &tasks);
        let from = AddressBlock::of(Ipv4Addr::LOCALHOST.into());
        let (mut of_first, mut of_last) = (Vec::with_capacity(ROUNDS), Vec::with_capacity(ROUNDS));
        for _ in 0..ROUNDS {
            let is_first = fastrand::bool();
            let token = if is_first { &first } else { &last };
            let began = Instant::now();
            let denied = auth.judge(Some(token), from).await.is_err();
            let took = began.elapsed().as_nanos() as f64;
            assert!(denied, "a wrong token");
            if is_first { of_first.push(took) } else { of_last.push(took) }
        }
        (summary(of_first), summary(of_last))
    });
    let t = (first.0 - last.0) / (first.1 / first.2 + last.1 / last.2).sqrt();
    println!("wrong in the first byte: {:.1} ns, in the last: {:.1} ns, t = {t:.2}", first.0, last.0);
}
