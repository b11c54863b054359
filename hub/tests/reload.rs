//! S85: whatever happens to the configuration file, the hub runs on settings that were valid as a whole.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gohub::metrics::Metrics;
use gohub::reload::{Error, Reload, Source};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A file that a running [`Reload`] follows.
struct Followed {
    directory: TempDir,
    reload: Arc<Reload>,
    metrics: Metrics,
    _stop: tokio_util::sync::DropGuard,
}

const GOOD: &str = "heartbeat: {interval: 11s}\n";

impl Followed {
    fn new(text: &str) -> Self {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join("config.yaml"), text).unwrap();
        Self::follow(directory)
    }

    fn follow(directory: TempDir) -> Self {
        let metrics = Metrics::default();
        let source = Source::new(Some(directory.path().join("config.yaml")), Vec::new());
        let reload = Arc::new(Reload::open(source, Box::new(|_| Ok(())), Arc::clone(metrics.config())).unwrap());
        let stop = CancellationToken::new();
        let (running, stopped) = (Arc::clone(&reload), stop.clone());
        tokio::spawn(async move { running.run(stopped).await });
        Self { directory, reload, metrics, _stop: stop.drop_guard() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("config.yaml")
    }

    fn interval(&self) -> u64 {
        self.reload.settings().heartbeat.interval.as_secs()
    }

    /// Waits until `wanted` holds, nudging the reload as SIGHUP would.
    async fn until(&self, what: &str, wanted: impl Fn(&Reload) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !wanted(&self.reload) {
            assert!(Instant::now() < deadline, "never happened: {what}; {:?}", self.reload.status());
            self.reload.nudge();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Writes `text` and waits until it is refused; the settings must be what they were.
    async fn refused(&self, text: &[u8]) -> gohub::reload::Refusal {
        let (before, hash) = (self.reload.settings(), self.reload.status().loaded_hash);
        let refusals = self.metrics.config().refused.get();
        fs::write(self.path(), text).unwrap();
        let metrics = self.metrics.clone();
        self.until("a refusal", |_| metrics.config().refused.get() > refusals).await;
        self.until("a status that says so", |reload| reload.status().last_error.is_some()).await;
        assert_eq!(self.reload.settings(), before, "a refused file must change nothing");
        assert_eq!(self.reload.status().loaded_hash, hash);
        self.reload.status().last_error.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s85_a_good_file_is_swapped_in_and_its_hash_is_reported() {
    let followed = Followed::new(GOOD);
    let mut watch = followed.reload.watch();
    let before = followed.reload.status();
    fs::write(followed.path(), "heartbeat: {interval: 12s}\nserver: {shards: 3}\n").unwrap();
    followed.until("the new interval", |reload| reload.settings().heartbeat.interval.as_secs() == 12).await;
    assert!(watch.has_changed().unwrap());
    assert_eq!(watch.borrow_and_update().heartbeat.interval.as_secs(), 12);
    let status = followed.reload.status();
    assert_ne!(status.loaded_hash, before.loaded_hash);
    assert_eq!(status.restart_required, ["server.shards"]);
    let text = followed.metrics.render().unwrap();
    assert!(text.contains(&format!("gohub_config_info{{hash=\"{}\"}} 1", status.loaded_hash)), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn s85_every_kind_of_bad_file_keeps_the_last_good_settings_and_names_the_fault() {
    let followed = Followed::new(GOOD);
    for (text, field, message) in [
        (&b"heartbeat: {interval: 12s"[..], None, "YAML"),
        (b"heartbeat: {intervall: 12s}\n", Some("heartbeat.intervall"), "unknown"),
        (b"limits: {max_connections: -1}\n", Some("limits.max_connections"), "limits.max_connections"),
        (b"", None, "empty"),
        (b"log: {level: inof}\n", Some("log.level"), "log.level"),
        (b"heartbeat: {interval: 12s}\nserver: {addr: nowhere}\n", Some("server.addr"), "server.addr"),
        (b"\xff\xfe", None, "UTF-8"),
        (&[b' '; (1 << 20) + 1], None, "1 MiB"),
    ] {
        let refusal = followed.refused(text).await;
        assert_eq!(refusal.field.as_deref(), field, "{refusal:?}");
        assert!(refusal.message.contains(message), "{refusal:?}");
    }
    fs::write(followed.path(), "heartbeat: {interval: 13s}\n").unwrap();
    followed.until("recovery", |reload| reload.settings().heartbeat.interval.as_secs() == 13).await;
    assert_eq!(followed.reload.status().last_error, None, "a good file ends the complaint");
    assert_eq!(followed.metrics.config().stale.get(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn s85_one_fault_is_told_once() {
    let followed = Followed::new(GOOD);
    followed.refused(b"nonsense: true\n").await;
    let refusals = followed.metrics.config().refused.get();
    fs::remove_file(followed.path()).unwrap();
    followed
        .until("a refusal of a missing file", |reload| {
            reload.status().last_error.is_some_and(|error| error.message.contains("reading the configuration"))
        })
        .await;
    // Ten more looks at the same fault.
    for _ in 0..10 {
        followed.reload.nudge();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(followed.metrics.config().refused.get(), refusals + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn s85_a_file_that_is_written_slowly_never_counts_half() {
    let followed = Followed::new("heartbeat: {interval: 11s}\nserver: {path: /a}\n");
    let mut watch = followed.reload.watch();
    // Every prefix that ends after a line is valid YAML of its own: only patience tells it from the whole.
    let whole = "heartbeat: {interval: 12s}\nserver: {path: /b}\n";
    let mut file = fs::File::create(followed.path()).unwrap();
    for byte in whole.as_bytes() {
        use std::io::Write;
        file.write_all(&[*byte]).unwrap();
        followed.reload.nudge();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    followed.until("the whole file", |reload| reload.settings().server.path == "/b").await;
    let settings = watch.borrow_and_update().clone();
    assert_eq!((settings.heartbeat.interval.as_secs(), settings.server.path.as_str()), (12, "/b"));
}

/// A mounted ConfigMap: `config.yaml -> ..data/config.yaml`, `..data -> ..N`.
fn mount(directory: &Path, version: u64, text: &str) {
    let folder = directory.join(format!("..{version}"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("config.yaml"), text).unwrap();
    let next = directory.join("..data_tmp");
    symlink(format!("..{version}"), &next).unwrap();
    fs::rename(&next, directory.join("..data")).unwrap();
    if version > 0 {
        fs::remove_dir_all(directory.join(format!("..{}", version - 1))).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s85_a_hundred_symlink_swaps_a_second_end_at_the_last_valid_one() {
    let directory = TempDir::new().unwrap();
    mount(directory.path(), 0, GOOD);
    symlink("..data/config.yaml", directory.path().join("config.yaml")).unwrap();
    let followed = Followed::follow(directory);
    assert_eq!(followed.interval(), 11);
    let mut watch = followed.reload.watch();
    let started = Instant::now();
    for version in 1..=200_u64 {
        let text = if version % 7 == 0 {
            "heartbeat: {interval: never}\n".to_owned()
        } else {
            format!("heartbeat: {{interval: {}s}}\n", 20 + version)
        };
        mount(followed.directory.path(), version, &text);
        followed.reload.nudge();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    followed.until("the last one", |reload| reload.settings().heartbeat.interval.as_secs() == 220).await;
    let storm = started.elapsed();
    let _wakes = watch.borrow_and_update();
    // Each look that finds a change waits for rest, at most a second: 200 swaps must not have been 200 reloads.
    let refused = followed.metrics.config().refused.get();
    assert!(u128::from(refused) <= storm.as_millis() / 100, "{refused} refusals in {storm:?}");
    assert_eq!(followed.reload.status().last_error, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn s85_the_environment_stays_on_top_after_a_reload() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("config.yaml");
    fs::write(&path, GOOD).unwrap();
    let environment = vec![("GOHUB_SERVER__PATH".to_owned(), "/mine".to_owned())];
    let reload = Reload::open(
        Source::new(Some(path), environment),
        Box::new(|_| Ok(())),
        Arc::clone(Metrics::default().config()),
    )
    .unwrap();
    assert_eq!(reload.settings().server.path, "/mine");
    let checked = reload.check("server: {path: /theirs}\n").unwrap();
    assert_eq!(checked.diff.changed, ["heartbeat.interval"], "the variable hides the file's path");
}

#[test]
fn a_hub_does_not_start_on_a_bad_file_and_the_error_names_the_field() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("config.yaml");
    let open = |judge: gohub::reload::Judge| {
        Reload::open(Source::new(Some(path.clone()), Vec::new()), judge, Arc::clone(Metrics::default().config()))
    };
    assert!(matches!(open(Box::new(|_| Ok(()))).unwrap_err(), Error::Read { .. }));
    fs::write(&path, "limits: {max_fragments: lots}\n").unwrap();
    assert_eq!(open(Box::new(|_| Ok(()))).unwrap_err().field(), Some("limits.max_fragments"));
    fs::write(&path, "").unwrap();
    assert!(matches!(open(Box::new(|_| Ok(()))).unwrap_err(), Error::NotConfiguration { .. }), "a truncated file");
    fs::write(&path, "{}").unwrap();
    open(Box::new(|_| Ok(()))).expect("all defaults");
    let refuse = |_: &gohub_settings::Settings| {
        Err(gohub_settings::SettingsError::Field {
            path: "server.tls.cert".to_owned(),
            message: "is expired".to_owned(),
        })
    };
    assert_eq!(open(Box::new(refuse)).unwrap_err().to_string(), "server.tls.cert: is expired");
}
