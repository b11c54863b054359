//! The `gohub` binary: arguments in, a hub that runs until it is told to go.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use gohub::args::{Answer, Invocation};
use gohub::auth;
use gohub::inquiry::Inquiry;
use gohub::lifecycle::Tasks;
use gohub::metrics::Metrics;
use gohub::net::tls;
use gohub::reload::{Reload, Source};
use gohub::telemetry::Telemetry;
use gohub::{Hub, Settings, StartError};
use gohub_settings::SettingsError;
use tokio::signal::unix::{SignalKind, signal};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The runtime only waits for other systems; messages are the shards' work.
const RUNTIME_THREADS: usize = 2;

fn main() -> ExitCode {
    let source = match Invocation::of_process(Box::new(judge)) {
        Invocation::Serve(source) => source,
        Invocation::Answer(answer) => return tell(&answer),
        Invocation::Ask(inquiry) => return ask(&inquiry),
    };
    match serve(source) {
        Ok(code) => code,
        Err(error) => {
            tell(&Answer { text: format!("gohub: {error:#}\n"), is_error: true, code: 1 });
            ExitCode::FAILURE
        }
    }
}

/// What the settings crate cannot check: certificates and keys.
fn judge(settings: &Settings) -> Result<(), SettingsError> {
    tls::check(settings)?;
    auth::check(settings)
}

fn tell(answer: &Answer) -> ExitCode {
    let text = answer.text.as_bytes();
    let told = if answer.is_error { std::io::stderr().write_all(text) } else { std::io::stdout().write_all(text) };
    if told.is_err() { ExitCode::FAILURE } else { ExitCode::from(answer.code) }
}

fn ask(inquiry: &Inquiry) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let answer = match runtime {
        Ok(runtime) => Answer::told(runtime.block_on(inquiry.ask())),
        Err(error) => Answer { text: format!("gohub: {error}\n"), is_error: true, code: 1 },
    };
    tell(&answer)
}

fn serve(source: Source) -> anyhow::Result<ExitCode> {
    // Memory of a burst goes back to the system also when nobody allocates any more.
    if let Err(error) = tikv_jemalloc_ctl::background_thread::write(true) {
        tell(&Answer {
            text: format!("gohub: the allocator has no background thread: {error}\n"),
            is_error: true,
            code: 0,
        });
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(RUNTIME_THREADS).enable_all().build()?;
    runtime.block_on(async {
        let metrics = Metrics::default();
        let reload = match Reload::open(source, Box::new(judge), Arc::clone(metrics.config())) {
            Ok(reload) => Arc::new(reload),
            Err(error) => return Ok(tell(&Answer::refused(&error))),
        };
        let telemetry = Telemetry::install(&reload.settings().log)?;
        let tasks = Tasks::new(tokio::runtime::Handle::current());
        tasks.spawn("log settings", {
            let (telemetry, settings) = (telemetry.clone(), reload.watch());
            async move { telemetry.follow(settings).await }
        });
        let following = Arc::clone(&reload);
        let stop = tasks.token();
        tasks.spawn("reload", async move { following.run(stop).await });
        let hub = match Hub::builder(gohub::Settings::default())
            .reload(Arc::clone(&reload))
            .telemetry(telemetry)
            .metrics(metrics)
            .start()
            .await
        {
            Ok(hub) => hub,
            Err(error @ (StartError::Settings(_) | StartError::Tls(_))) => {
                return Ok(tell(&Answer {
                    text: format!("gohub: {error}\n"),
                    is_error: true,
                    code: gohub::args::EX_USAGE,
                }));
            }
            Err(error) => return Err(error.into()),
        };
        until_told(&hub, &reload).await?;
        hub.drain().await;
        tasks.token().cancel();
        Ok(ExitCode::SUCCESS)
    })
}

/// SIGTERM (Kubernetes), SIGINT (a developer) or the admin API begin the drain; a second signal hurries it; SIGHUP looks at the file now.
async fn until_told(hub: &Hub, reload: &Reload) -> std::io::Result<()> {
    let (mut terminate, mut interrupt, mut hangup) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?);
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = hub.drain_wanted() => break,
            _ = hangup.recv() => reload.nudge(),
        }
    }
    let hub = hub.clone();
    let hurry = hub.clone();
    hub.tasks().spawn("second signal", async move {
        tokio::select! {
            _ = terminate.recv() => hurry.hurry(),
            _ = interrupt.recv() => hurry.hurry(),
            () = hurry.tasks().stopping() => {}
        }
    });
    Ok(())
}
