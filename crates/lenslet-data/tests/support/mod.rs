//! Small archives, and a web server on the loopback interface.

#![allow(dead_code, reason = "every test file uses a part of it")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use lenslet_data::cifar10::{Expected, Md5};

pub(crate) const BATCHES: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// A record whose planes are all `red`, all `red + 1` and all `red + 2`.
pub(crate) fn record(label: u8, red: u8) -> Vec<u8> {
    let plane = |value: u8| vec![value; 1024];
    [vec![label], plane(red), plane(red + 1), plane(red + 2)].concat()
}

/// Two records in each batch, with the labels and reds 0 to 11 (labels modulo 10).
pub(crate) fn batches() -> Vec<(String, Vec<u8>)> {
    let batch = |i: u8| {
        let records = [2 * i, 2 * i + 1].map(|n| record(n % 10, n));
        (format!("cifar-10-batches-bin/{}", BATCHES[usize::from(i)]), records.concat())
    };
    (0..6).map(batch).collect()
}

pub(crate) fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(gzip);
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        // Written by hand: the builder refuses names such as `../x`, which is what they are for.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

pub(crate) fn expected(bytes: &[u8]) -> Expected {
    Expected { bytes: bytes.len() as u64, md5: Md5::of(bytes) }
}

/// How the server answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Whole files and ranges.
    Ranges,
    /// Whole files whatever is asked for.
    NoRanges,
    /// Ranges, but each connection breaks after so many bytes.
    Breaks(usize),
    /// Announces everything and sends nothing.
    Silent,
    /// 416 to every range.
    NotSatisfiable,
    /// 404.
    Missing,
}

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<AtomicUsize>,
    ranges: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves `file` until the test's process ends.
    pub(crate) fn start(file: Vec<u8>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/cifar-10-binary.tar.gz", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let server = Self { url, requests: requests.clone(), ranges: ranges.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                requests.fetch_add(1, Ordering::SeqCst);
                // A client that hangs up early is part of some tests.
                let _ = answer(stream.unwrap(), &file, manner, &ranges);
            }
        });
        server
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// The `Range` headers so far.
    pub(crate) fn ranges(&self) -> Vec<String> {
        self.ranges.lock().unwrap().clone()
    }
}

fn answer(
    mut stream: TcpStream,
    file: &[u8],
    manner: Manner,
    ranges: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut range = None;
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?.to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("range: ") {
            ranges.lock().unwrap().push(value.into());
            range = value.strip_prefix("bytes=").and_then(|v| v.strip_suffix('-')?.parse().ok());
        }
    }
    let start: usize = if manner == Manner::NoRanges { 0 } else { range.unwrap_or(0) };
    let status = match manner {
        Manner::Missing => "404 Not Found",
        Manner::NotSatisfiable if start > 0 => "416 Range Not Satisfiable",
        _ if start > file.len() => "416 Range Not Satisfiable",
        _ if start > 0 => "206 Partial Content",
        _ => "200 OK",
    };
    let body = if status.starts_with('4') { &[][..] } else { &file[start..] };
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len())?;
    if status.starts_with("206") {
        let last = file.len() - 1;
        write!(stream, "Content-Range: bytes {start}-{last}/{}\r\n", file.len())?;
    }
    stream.write_all(b"\r\n")?;
    let sent = match manner {
        Manner::Breaks(count) => count.min(body.len()),
        Manner::Silent => 0,
        _ => body.len(),
    };
    stream.write_all(&body[..sent])
}
