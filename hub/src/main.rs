//! gohub
use gohub::Settings;
fn main() -> anyhow::Result<()> {
    let text = std::env::args().nth(2).map(std::fs::read_to_string).transpose()?.unwrap_or_default();
    let settings = Settings::from_yaml(&text, std::env::vars())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let _telemetry = gohub::telemetry::Telemetry::install(&settings.log)?;
        let hub = gohub::Hub::builder(settings).start().await?;
        tokio::signal::ctrl_c().await?;
        hub.drain().await;
        Ok(())
    })
}
