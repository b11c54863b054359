//! Tickets as a hub gives and takes them.

use gohub_settings::{Duration as Setting, Settings};

use super::super::{Judged, Pass, Revocation, Subject, TokenId};
use super::*;

struct Booked(Mutex<Vec<TicketId>>, Option<bool>);

impl Ledger for Booked {
    fn claim(&self, ticket: TicketId) -> BoxFuture<'static, Option<bool>> {
        let mut booked = self.0.lock().expect("no panic before");
        let answer = self.1.map(|answer| answer && !booked.contains(&ticket));
        booked.push(ticket);
        Box::pin(std::future::ready(answer))
    }
}

fn tickets() -> Tickets {
    Tickets::new(&Settings::default(), Arc::default())
}

fn keys() -> TicketKeys {
    TicketKeys::of(TicketKey::new(7, &[7; SEALING_BYTES]))
}

fn alice() -> ClientId {
    ClientId::parse("alice").expect("a name")
}

fn pass() -> Pass {
    Pass { id: Some(TokenId::of("jti")), issued: Some(1) }
}

fn give(tickets: &Tickets) -> Option<String> {
    let judged = Judged { at: clock::unix_millis() / 1000, token_end: None };
    let bearer =
        Bearer { client: &alice(), connection: 1, expires: None, rights: &Rights::ALL, pass: Some(pass()), judged };
    tickets.give(&bearer)
}

async fn redeem(tickets: &Tickets, text: &str) -> Result<Proof, Flaw> {
    tickets.look(text, Some(&alice()), &Revoked::default(), &Rights::ALL).await
}

#[tokio::test]
async fn a_ticket_opens_the_door_once() {
    let tickets = tickets();
    let text = give(&tickets).expect("a ticket");
    let proof = redeem(&tickets, &text).await.expect("it is good");
    assert_eq!((proof.client, proof.pass), (Some(alice()), Some(pass())));
    assert_eq!(redeem(&tickets, &text).await, Err(Flaw::Used));
    assert_eq!((tickets.stats.tickets_given.get(), tickets.stats.tickets.counts().len()), (1, 0));
    assert!(tickets.redeem(&text, None, &Revoked::default(), &Rights::ALL).await.is_none());
    assert_eq!(tickets.stats.tickets.counts(), [("used", 1)]);
}

#[tokio::test]
async fn two_hubs_with_one_ledger_take_it_once_between_them() {
    let (one, other) = (tickets(), tickets());
    let ledger: Arc<dyn Ledger> = Arc::new(Booked(Mutex::default(), Some(true)));
    one.share(keys(), Arc::clone(&ledger));
    other.share(keys(), ledger);
    let text = give(&one).expect("a ticket");
    assert!(redeem(&other, &text).await.is_ok());
    assert_eq!(redeem(&one, &text).await, Err(Flaw::Used));
    let silent: Arc<dyn Ledger> = Arc::new(Booked(Mutex::default(), None));
    one.share(keys(), silent);
    let text = give(&one).expect("a ticket");
    assert_eq!(redeem(&one, &text).await, Err(Flaw::Unavailable), "nobody can say");
    one.alone();
    assert_eq!(redeem(&one, &text).await, Err(Flaw::Forged), "the cluster's tickets are not its own");
}

#[tokio::test]
async fn a_ticket_does_not_outlive_a_revocation_a_kick_its_name_or_its_settings() {
    let tickets = tickets();
    let revoked = Revoked::default();
    let entry = Revocation { subject: Subject::Token(TokenId::of("jti")), before: 0, until: u64::MAX };
    revoked.add(entry, 0).expect("room");
    let text = give(&tickets).expect("a ticket");
    assert_eq!(tickets.look(&text, None, &revoked, &Rights::ALL).await, Err(Flaw::Revoked));
    let bob = ClientId::parse("bob").expect("a name");
    let none = Revoked::default();
    assert_eq!(tickets.look(&text, Some(&bob), &none, &Rights::ALL).await, Err(Flaw::Other));
    tickets.void(&alice());
    assert_eq!(redeem(&tickets, &text).await, Err(Flaw::Revoked));
    let mut settings = Settings::default();
    settings.auth.required = true;
    tickets.configure(&settings);
    assert_eq!(redeem(&tickets, &text).await, Err(Flaw::Changed));
    settings.auth.ticket.life = Setting::ZERO;
    tickets.configure(&settings);
    assert_eq!((redeem(&tickets, &text).await, give(&tickets)), (Err(Flaw::Off), None));
}

#[test]
fn in_a_cluster_there_are_none_before_its_keys_are_known() {
    let mut settings = Settings::default();
    settings.cluster.enabled = true;
    let tickets = Tickets::new(&settings, Arc::default());
    assert_eq!(give(&tickets), None);
    tickets.share(keys(), Arc::new(Booked(Mutex::default(), None)));
    assert!(give(&tickets).is_some());
}
