//! Limits by limit, on a clock that the tests move.

use std::time::Duration;

use super::*;

fn admission(limits: AdmissionLimits) -> Admission {
    let admission = Admission::default();
    admission.set_limits(limits);
    admission
}

#[test]
fn places_are_counted_and_given_back() {
    let admission = admission(AdmissionLimits { max_connections: 2, max_per_ip: 1, ..Default::default() });
    let now = Instant::now();
    let [a, b, c]: [IpAddr; 3] = [[10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 3]].map(Into::into);
    let first = admission.admit(a, now).expect("room");
    assert_eq!(admission.admit(a, now).expect_err("one per address"), Refused::Address);
    let _second = admission.admit(b, now).expect("room");
    assert_eq!(admission.admit(c, now).expect_err("two in all"), Refused::Full);
    assert!(!admission.has_room());
    drop(first);
    assert_eq!(admission.connections(), 1);
    assert!(admission.admit(c, now).is_ok());
}

#[test]
fn a_relayed_connection_counts_for_the_client_behind_the_proxy() {
    let admission = admission(AdmissionLimits { max_per_ip: 1, max_connections: 3, ..Default::default() });
    let now = Instant::now();
    let [a, b]: [IpAddr; 2] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(Into::into);
    let mut places = [(); 3].map(|()| admission.admit_relayed(now).expect("the proxy has no limit of its own"));
    assert_eq!(admission.admit_relayed(now).expect_err("three in all"), Refused::Full);
    places[0].is_from(a, now).expect("room");
    places[1].is_from(b, now).expect("room");
    assert_eq!(places[2].is_from(a, now).expect_err("one per address"), Refused::Address);
    drop(places);
    assert_eq!(admission.connections(), 0);
    assert!(admission.lock().addresses.is_empty());
}

#[test]
fn one_address_that_floods_uses_up_nobody_elses_rate() {
    let admission = admission(AdmissionLimits { rate: 10, rate_per_ip: 1, ..Default::default() });
    let (now, [a, b]) = (Instant::now(), [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])]);
    let _place = admission.admit(a, now).expect("the first");
    for _ in 0..100 {
        assert_eq!(admission.admit(a, now).expect_err("one a second"), Refused::AddressRate);
    }
    assert!(admission.admit(b, now).is_ok());
}

#[test]
fn rates_are_per_second() {
    let admission = admission(AdmissionLimits { rate_per_ip: 2, ..Default::default() });
    let (now, ip) = (Instant::now(), IpAddr::from([10, 0, 0, 1]));
    let _places = [admission.admit(ip, now).expect("first"), admission.admit(ip, now).expect("second")];
    assert_eq!(admission.admit(ip, now).expect_err("third"), Refused::AddressRate);
    assert!(admission.admit(ip, now + Duration::from_millis(600)).is_ok());
}

#[test]
fn an_ipv6_network_is_one_address() {
    let admission = admission(AdmissionLimits { max_per_ip: 1, ..Default::default() });
    let _place = admission.admit("2001:db8::1".parse().expect("an address"), Instant::now()).expect("room");
    assert_eq!(
        admission.admit("2001:db8::2".parse().expect("an address"), Instant::now()).expect_err("same /64"),
        Refused::Address
    );
    assert!(admission.admit("2001:db8:0:1::1".parse().expect("an address"), Instant::now()).is_ok());
}

#[test]
fn nobody_comes_in_while_the_hub_drains_or_is_over_its_memory() {
    let admission = admission(AdmissionLimits::default());
    let ip = IpAddr::from([10, 0, 0, 1]);
    admission.set_over_memory(true);
    assert_eq!(admission.admit(ip, Instant::now()).expect_err("memory"), Refused::Memory);
    admission.set_accepting(false);
    assert_eq!(admission.admit(ip, Instant::now()).expect_err("closed"), Refused::NotAccepting);
}

#[test]
fn a_share_of_the_cluster_counts_beside_the_hubs_own_limits_and_ends_by_the_clock() {
    let admission = admission(AdmissionLimits { max_connections: 3, ..Default::default() });
    let (now, ip) = (Instant::now(), IpAddr::from([10, 0, 0, 1]));
    let until = Some(now + Duration::from_secs(1));
    admission.set_share(ClusterShare { connections: Some(2), until, ..Default::default() });
    let places = [admission.admit(ip, now).expect("first"), admission.admit(ip, now).expect("second")];
    assert_eq!(admission.admit(ip, now).expect_err("third"), Refused::ClusterFull);
    drop(places);
    let late = now + Duration::from_secs(1);
    assert_eq!(admission.admit(ip, late).expect_err("the share is over"), Refused::ClusterFull);
    let demand = admission.demand(now);
    assert_eq!((demand.connections, demand.came, demand.no_room), (0, 4, 2));
    admission.set_share(ClusterShare { connections: Some(9), ..Default::default() });
    let _places = [(); 3].map(|()| admission.admit(ip, late).expect("its own limit is three"));
    assert_eq!(admission.admit(ip, late).expect_err("fourth"), Refused::Full);
}

#[test]
fn the_clusters_rate_comes_in_small_pieces_and_never_more_than_it_in_a_second() {
    let admission = admission(AdmissionLimits::default());
    let (start, ip) = (Instant::now(), IpAddr::from([10, 0, 0, 1]));
    admission.set_share(ClusterShare { rate: Some(100), ..Default::default() });
    let mut times = Vec::new();
    for millis in 0..5000 {
        let now = start + Duration::from_millis(millis);
        (0..3).for_each(|_| times.extend(admission.admit(ip, now).is_ok().then_some(millis)));
    }
    assert!((500..=510).contains(&times.len()), "{}", times.len());
    for second in 0..4000 {
        let those = times.iter().filter(|at| (second..second + 1000).contains(*at)).count();
        assert!(those <= 110, "{those} from {second} ms on");
    }
    admission.set_share(ClusterShare { rate: Some(0), ..Default::default() });
    assert_eq!(admission.admit(ip, start).expect_err("no share at all"), Refused::ClusterRate);
}

#[test]
fn who_is_refused_gets_a_slot_by_the_smallest_rate_and_who_floods_takes_none() {
    let admission = admission(AdmissionLimits { rate: 50, ..Default::default() });
    let (now, least) = (Instant::now(), Duration::from_secs(2));
    admission.set_share(ClusterShare { rate: Some(10), ..Default::default() });
    let waits = (0..30).map(|_| admission.slot_for(Refused::ClusterRate, least, now));
    let seconds: Vec<u64> = waits.map(|wait| wait.as_secs()).collect();
    assert_eq!([2, 3, 4].map(|second| seconds.iter().filter(|wait| **wait == second).count()), [10; 3]);
    assert_eq!(admission.slot_for(Refused::AddressRate, least, now), least);
    assert_eq!(admission.demand(now).waiting, 50, "until the last slot, five seconds on");
}
