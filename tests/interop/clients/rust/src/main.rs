//! Verifies deliveries with the official Standard Webhooks library for Rust; see ../README.md for the lines it reads and prints.
use std::io::{self, BufRead};

use http::{HeaderMap, HeaderValue};
use standardwebhooks::Webhook;

fn verify(line: &str) -> Result<(), String> {
    let fields: Vec<&str> = line.splitn(5, '\t').collect();
    let [secret, id, timestamp, signature, body] = fields[..] else {
        return Err("a line has five fields".into());
    };
    let mut headers = HeaderMap::new();
    for (name, value) in [("webhook-id", id), ("webhook-timestamp", timestamp), ("webhook-signature", signature)] {
        headers.insert(name, HeaderValue::from_str(value).map_err(|error| error.to_string())?);
    }
    let webhook = Webhook::new(secret).map_err(|error| error.to_string())?;
    webhook.verify(body.as_bytes(), &headers).map_err(|error| error.to_string())
}

fn main() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        match verify(&line?) {
            Ok(()) => println!("verified"),
            Err(reason) => println!("refused: {reason}"),
        }
    }
    Ok(())
}
