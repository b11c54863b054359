//! A hub as naive as can be: a thread per connection, one lock around everything, a write per message.

use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Whether it delivers what it should.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Manners {
    Good,
    /// Of its broadcasts it loses the 6th for c1, doubles the 6th for c2, and swaps the 6th and 7th for c3.
    Bad,
}

#[derive(Default)]
struct State {
    clients: HashMap<String, TcpStream>,
    rooms: HashMap<String, Vec<String>>,
    broadcasts: u64,
    held: Option<Vec<u8>>,
}

pub(crate) struct Broadcaster {
    pub(crate) url: String,
}

impl Broadcaster {
    /// Serves until the test's process ends.
    pub(crate) fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/ws", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = state.clone();
                std::thread::spawn(move || serve(stream, &state, manners));
            }
        });
        Self { url }
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>, manners: Manners) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let client = line.split("client_id=").nth(1)?.split(' ').next()?.to_owned();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).ok()?;
    }
    stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n").ok()?;
    {
        let mut state = state.lock().unwrap();
        stream.write_all(&frame(json!({ "message_id": 3, "client_id": client }))).ok()?;
        state.clients.insert(client.clone(), stream);
    }
    loop {
        let request = read(&mut reader)?;
        handle(&mut state.lock().unwrap(), &client, &request, manners);
    }
}

fn handle(state: &mut State, client: &str, request: &Value, manners: Manners) {
    let id = request["message_id"].as_u64().unwrap();
    let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
    let delivery =
        frame(json!({ "message_id": id, "from": client, "ts": 1, "offset": "1-0", "data": request["data"] }));
    let State { clients, rooms, broadcasts, held } = state;
    let mut send = |to: &str, bytes: &[u8]| drop(clients.get_mut(to).map(|stream| stream.write_all(bytes)));
    match id {
        10 => rooms.entry(text("room")).or_default().push(client.to_owned()),
        20 => *broadcasts += 1,
        21 => send(&text("to"), &delivery),
        22 if !rooms.get(&text("room")).is_some_and(|members| members.iter().any(|member| member == client)) => {
            send(client, &frame(json!({ "message_id": 5, "ref": request["ref"], "code": "not_joined" })));
            return;
        }
        22 => rooms[&text("room")].iter().for_each(|member| send(member, &delivery)),
        _ => {}
    }
    if id == 20 {
        let sixth = manners == Manners::Bad && *broadcasts == 6;
        for (name, stream) in clients.iter_mut() {
            let copies = match name.as_str() {
                "c1" if sixth => 0,
                "c2" if sixth => 2,
                "c3" if sixth => {
                    *held = Some(delivery.clone());
                    0
                }
                _ => 1,
            };
            (0..copies).for_each(|_| drop(stream.write_all(&delivery)));
            if name == "c3" && !sixth {
                held.take().into_iter().for_each(|late| drop(stream.write_all(&late)));
            }
        }
    }
    if request["ref"].is_string() {
        let ack = frame(json!({ "message_id": 4, "ref": request["ref"], "offset": "1-0" }));
        drop(clients.get_mut(client).map(|stream| stream.write_all(&ack)));
    }
}

fn frame(message: Value) -> Vec<u8> {
    let payload = message.to_string().into_bytes();
    let mut out = vec![0x81];
    if payload.len() < 126 {
        out.push(payload.len() as u8);
    } else {
        out.push(126);
        out.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_be_bytes());
    }
    out.extend_from_slice(&payload);
    out
}

fn read(reader: &mut impl Read) -> Option<Value> {
    let mut bytes = |count: usize| {
        let mut buffer = vec![0; count];
        reader.read_exact(&mut buffer).ok().map(|()| buffer)
    };
    let header = bytes(2)?;
    let length = match header[1] & 127 {
        126 => usize::from(u16::from_be_bytes(bytes(2)?.try_into().ok()?)),
        127 => u64::from_be_bytes(bytes(8)?.try_into().ok()?) as usize,
        short => usize::from(short),
    };
    assert_eq!(bytes(4)?, [0; 4], "masked with key zero");
    serde_json::from_slice(&bytes(length)?).ok()
}
