//! Keys by URL: rotation, a server that is down, tokens with key ids that nobody knows; and keys of the settings, changed under way.

use gohub::{Hub, Settings};
use gohub_settings::{Duration, Secret};
use gohub_test_client::{Connect, settings, start, within};
use jsonwebtoken::{EncodingKey, Header, encode};

use crate::issuer::{Issuer, Signer, claims};

fn with_issuer(issuer: &Issuer, min_interval: Duration) -> Settings {
    let mut settings = settings();
    settings.auth.required = true;
    settings.auth.jwt.jwks.url.clone_from(&issuer.url);
    settings.auth.jwt.jwks.min_interval = min_interval;
    settings
}

const OFTEN: Duration = Duration::from_millis(10);

/// The HTTP status of the handshake: 101 when the token is good.
async fn knock(hub: &Hub, token: &str) -> u16 {
    match Connect::to(hub).query("token", token).try_open().await {
        Ok(client) => {
            client.close().await;
            101
        }
        Err(declined) => declined.status,
    }
}

#[tokio::test]
async fn a_rotated_key_works_at_once_and_the_old_one_until_the_next_look() {
    let (first, second) = (Signer::new("first"), Signer::new("second"));
    let issuer = Issuer::start(&[&first]).await;
    let hub = start(with_issuer(&issuer, OFTEN)).await;
    assert_eq!(knock(&hub, &first.sign(&claims("alice"))).await, 101);
    // 503 while it may not look again already.
    within("nobody has published it", async { while knock(&hub, &second.sign(&claims("alice"))).await != 401 {} })
        .await;
    issuer.publish(&[&second]);
    assert_eq!(knock(&hub, &first.sign(&claims("alice"))).await, 101, "nobody has looked yet");
    within("an unknown key id makes the hub look", async {
        while knock(&hub, &second.sign(&claims("alice"))).await == 503 {}
    })
    .await;
    assert_eq!(knock(&hub, &second.sign(&claims("alice"))).await, 101);
    within("the old key is nobody's", async { while knock(&hub, &first.sign(&claims("alice"))).await != 401 {} }).await;
}

#[tokio::test]
async fn the_last_good_set_counts_while_the_server_is_down_and_what_it_cannot_judge_may_come_again() {
    let (first, second) = (Signer::new("first"), Signer::new("second"));
    let issuer = Issuer::start(&[&first]).await;
    let hub = start(with_issuer(&issuer, OFTEN)).await;
    assert_eq!(knock(&hub, &first.sign(&claims("alice"))).await, 101);
    for (status, document) in [(500, String::new()), (200, "<html>".to_owned()), (200, " ".repeat(300 << 10))] {
        issuer.says(status, document);
        assert_eq!(knock(&hub, &second.sign(&claims("alice"))).await, 503, "it may be good: come again");
        assert_eq!(knock(&hub, &first.sign(&claims("alice"))).await, 101);
    }
    issuer.publish(&[&second]);
    within("the set is fetched again by itself", async {
        while knock(&hub, &second.sign(&claims("alice"))).await != 101 {}
    })
    .await;
}

#[tokio::test]
async fn forged_key_ids_cannot_make_the_hub_fetch_more_often_than_it_may() {
    let known = Signer::new("known");
    let issuer = Issuer::start(&[&known]).await;
    let hub = start(with_issuer(&issuer, Duration::from_secs(600))).await;
    assert_eq!(knock(&hub, &known.sign(&claims("alice"))).await, 101);
    for forged in 0..20 {
        let token = Signer::new(&format!("../../{forged}")).sign(&claims("alice"));
        assert_eq!(knock(&hub, &token).await, 503, "it cannot be judged before the next look");
    }
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn s36_keys_change_with_the_settings_under_live_connections() {
    let secret = |number: u8| Secret::new(format!("a secret of many characters, number {number}").replace(' ', "-"));
    let sign = |number: u8| {
        let key = EncodingKey::from_secret(secret(number).expose().as_bytes());
        encode(&Header::default(), &claims("alice"), &key).unwrap()
    };
    let mut settings = settings();
    settings.auth.required = true;
    settings.auth.jwt.hmac_secrets = vec![secret(1)];
    let hub = start(settings.clone()).await;
    let mut alice = Connect::to(&hub).query("token", &sign(1)).open().await;
    assert_eq!(knock(&hub, &sign(2)).await, 401);
    // Both for a while, then the new one alone: nobody is locked out between.
    for (secrets, first, second) in [(vec![secret(1), secret(2)], 101, 101), (vec![secret(2)], 401, 101)] {
        settings.auth.jwt.hmac_secrets = secrets;
        hub.reload().replace(settings.clone()).unwrap();
        within("the new rules count", async {
            while knock(&hub, &sign(1)).await != first || knock(&hub, &sign(2)).await != second {}
        })
        .await;
    }
    let issuer = Issuer::start(&[&Signer::new("none")]).await;
    settings.auth.jwt.hmac_secrets.clear();
    settings.auth.jwt.jwks.url.clone_from(&issuer.url);
    hub.reload().replace(settings.clone()).unwrap();
    within("the keys of the URL count", async { while knock(&hub, &sign(2)).await != 401 {} }).await;
    within("the new address is asked", async {
        while issuer.fetches() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(alice.settle().await, [], "who is in stays in");
}

#[tokio::test]
async fn a_hub_does_not_start_with_a_key_it_cannot_use() {
    let mut settings = settings();
    settings.auth.jwt.public_keys = vec!["-----BEGIN PRIVATE KEY-----".to_owned()];
    let refused = Hub::builder(settings).start().await.expect_err("a private key is no public one");
    assert!(refused.to_string().starts_with("auth.jwt.public_keys[0]: is a private key"), "{refused}");
}
