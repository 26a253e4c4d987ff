//! A folder of its own for every test, and the program in it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use image::{Rgb, RgbImage};

/// A run of seconds: 200 small pictures, a network of one dense layer.
pub(crate) const CONFIG: &str = r#"
version = "0.1.0"
isa = "portable"

[data]
kind = "synthetic"
seed = 1
train = 200
test = 100

[training]
epochs = 2
batch_size = 20
seed = 7
shuffle = true

[training.optimizer]
name = "adam"
learning_rate = 0.001

[training.loss]
name = "sparse_categorical_crossentropy"

[model]
name = "tiny"
input = [32, 32, 3]

[[model.layers]]
type = "AveragePool2D"
pool_size = 4

[[model.layers]]
type = "Flatten"

[[model.layers]]
type = "Dropout"
rate = 0.2

[[model.layers]]
type = "Dense"
units = 10
activation = "softmax"
"#;

/// A model file for ten classes of 32x32 pictures.
pub(crate) const MODEL: &str = r#"
name = "small"
input = [32, 32, 3]

[[layers]]
type = "AveragePool2D"
pool_size = 4

[[layers]]
type = "Flatten"

[[layers]]
type = "Dense"
units = 10
activation = "softmax"
"#;

/// An empty folder, removed afterwards.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
}

/// How the program ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Sandbox {
    /// With `tiny.toml`, a [`CONFIG`], in it.
    pub(crate) fn new() -> Self {
        let sandbox = Self { folder: tempfile::tempdir().unwrap() };
        sandbox.write("tiny.toml", CONFIG);
        sandbox
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// The program with these words as arguments, not yet started.
    pub(crate) fn command(&self, words: &str) -> Command {
        let words: Vec<_> = words.split_whitespace().collect();
        command(self.folder.path(), &words)
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, words: &str) -> Ended {
        Ended::of(self.command(words).output().unwrap())
    }

    /// Runs the program, which must succeed.
    pub(crate) fn ok(&self, words: &str) -> String {
        let ended = self.run(words);
        assert_eq!(ended.code, 0, "lenslet {words}\n{}\n{}", ended.out, ended.err);
        ended.out
    }

    /// Runs the program, which must fail with `code` and one message that has all `parts`.
    pub(crate) fn refuses(&self, words: &str, code: i32, parts: &[&str]) {
        let ended = self.run(words);
        assert_eq!(ended.code, code, "lenslet {words}\n{}\n{}", ended.out, ended.err);
        assert!(ended.err.contains("error: "), "{}", ended.err);
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
        for part in parts {
            assert!(ended.err.contains(part), "lenslet {words}: no {part:?} in {}", ended.err);
        }
    }

    /// A folder with two classes, `blue` and `red`, of `images` pictures each.
    pub(crate) fn colours(&self, folder: &str, images: u32) {
        for (class, channel) in [("red", 0), ("blue", 2)] {
            for i in 0..images {
                let mut image = RgbImage::from_pixel(20 + i, 30, Rgb([90, 90, 90]));
                for (x, y, pixel) in image.enumerate_pixels_mut() {
                    pixel[channel] = 200 + ((x * 7 + y * 13 + i * 29) % 50) as u8;
                }
                let path = self.path(folder).join(class).join(format!("{i:03}.png"));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                image.save(path).unwrap();
            }
        }
    }
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        // Ended by a signal: no code.
        let code = output.status.code().unwrap_or(-1);
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }
}

/// The program, unaware of the settings of whoever runs the tests; but for `LENSLET_ISA`, by which
/// CI runs them on every instruction set.
pub(crate) fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lenslet"));
    command.current_dir(folder).args(words);
    command.env("LENSLET_CACHE", folder.join("cache")).env("NO_PROXY", "127.0.0.1");
    command
}

/// A finished run of [`CONFIG`] that tests may look at but not change.
pub(crate) fn finished_run() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("finished-run");
        let _ = fs::remove_dir_all(&folder);
        let sandbox = Sandbox::new();
        let folder = folder.to_str().unwrap().to_owned();
        let output = sandbox.command("train --config tiny.toml --out").arg(&folder).output();
        let ended = Ended::of(output.unwrap());
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
        folder
    })
}

/// Every file of a run.
pub(crate) const FILES: [&str; 14] = [
    "config.toml",
    "model.json",
    "weights.safetensors",
    "history.csv",
    "samples.png",
    "samples.svg",
    "accuracy.png",
    "accuracy.svg",
    "loss.png",
    "loss.svg",
    "confusion_matrix.png",
    "confusion_matrix.svg",
    "confusion_matrix.csv",
    "classification_report.txt",
];

/// Every file is there and is what its name says.
pub(crate) fn assert_complete(run: &Path) {
    for name in FILES {
        let path = run.join(name);
        let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        match name.rsplit_once('.').unwrap().1 {
            "png" => assert!(image::load_from_memory(&bytes).unwrap().width() > 100, "{name}"),
            "svg" => {
                let text = String::from_utf8(bytes).unwrap();
                assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{name}");
            }
            "json" => {
                serde_json::from_slice::<serde_json::Value>(&bytes).unwrap();
            }
            _ => assert!(bytes.len() > 20, "{name}"),
        }
    }
    lenslet_store::Run::open(run).unwrap().load_model().unwrap();
    lenslet_store::Run::open(run).unwrap().load_config().unwrap();
}

/// The bytes of a run's weights.
pub(crate) fn weights(run: &Path) -> Vec<u8> {
    fs::read(run.join("weights.safetensors")).unwrap()
}

/// An archive in the layout of CIFAR-10's, `records` in each batch, with this label in place of
/// the first if there is one.
pub(crate) fn cifar10_archive(records: u8, first_label: Option<u8>) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        let path = format!("cifar-10-batches-bin/{name}");
        archive.append_data(&mut header, path, bytes).unwrap();
    };
    for batch in 0..6_u8 {
        let mut bytes = Vec::new();
        for record in 0..records {
            let label = record % 10;
            bytes.push(first_label.filter(|_| batch == 0 && record == 0).unwrap_or(label));
            bytes.extend((0..3072_u32).map(|i| (i * 7 + u32::from(batch)) as u8 ^ (label * 25)));
        }
        match batch {
            5 => add("test_batch.bin", &bytes),
            _ => add(&format!("data_batch_{}.bin", batch + 1), &bytes),
        }
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// Serves `body` to whoever asks, for as long as the test runs; the address.
pub(crate) fn serve(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/cifar.tar.gz", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    address
}
