//! A table that names images and their labels.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use csv::StringRecord;

use super::scan::Listing;
use crate::{DataError, MultiHot};

/// The name of its file.
pub(super) const NAME: &str = "labels.csv";
/// A table can be no larger.
const MOST_BYTES: u64 = 256 << 20;
/// Images times labels can be no more: 4 GiB of numbers.
const MOST_NUMBERS: usize = 1 << 30;
/// What the first column may be called.
const FILE: [&str; 3] = ["file", "filename", "image"];
/// The second column of a table with a list in each line.
const LABELS: &str = "labels";
/// Between the labels of a list.
const BETWEEN: char = '|';
/// What to write.
const FORMS: &str = "write `file,labels` and then lines such as `a.jpg,cat|dog`, or `file,cat,dog` and \
                     then lines such as `a.jpg,1,0`; a folder with a folder of images for each class \
                     needs no labels.csv";

/// A table that was read.
pub(super) struct Table {
    /// The names of the labels.
    pub(super) classes: Vec<String>,
    pub(super) listing: Listing,
}

impl Table {
    /// Reads the table of a folder. With `known` labels it may have no others.
    pub(super) fn read(folder: &Path, known: Option<&[String]>) -> Result<Self, DataError> {
        let path = folder.join(NAME);
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|e| DataError::io("cannot read", &path, e))?;
        let trouble = |(line, what)| DataError::Table { path: path.clone(), line, what };
        if bytes.len() as u64 > MOST_BYTES {
            let what = format!("has more than {} MiB; use several folders", MOST_BYTES >> 20);
            return Err(trouble((None, what)));
        }
        let lines = Lines::parse(&bytes, folder).map_err(trouble)?;
        let classes = lines.classes(known).map_err(trouble)?;
        if lines.rows.len() > MOST_NUMBERS / classes.len() {
            let (images, labels) = (lines.rows.len(), classes.len());
            let what =
                format!("has {labels} labels for {images} images, too many; leave rare ones out");
            return Err(trouble((None, what)));
        }
        let lists = lines.lists(&classes).map_err(trouble)?;
        let labels = MultiHot::of_lists(classes.len(), &lists)?.into();
        let files = lines.rows.into_iter().map(|row| row.file).collect();
        Ok(Self { classes, listing: Listing { files, labels, skipped: Vec::new() } })
    }
}

/// The line, if it is about one, and what is wrong with it.
type Trouble = (Option<u64>, String);

/// A table as it is written.
struct Lines {
    /// The labels of the columns; none where each line has a list.
    columns: Option<Vec<String>>,
    rows: Vec<Row>,
}

struct Row {
    line: u64,
    file: PathBuf,
    labels: Vec<String>,
}

impl Lines {
    fn parse(bytes: &[u8], folder: &Path) -> Result<Self, Trouble> {
        let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let columns = columns(csv.headers().map_err(refused)?)?;
        let mut lines = Self { columns, rows: Vec::new() };
        let mut seen = HashMap::new();
        for record in csv.records() {
            let record = record.map_err(refused)?;
            let line = line_of(&record, bytes);
            let at = |what| (Some(line), what);
            let file = inside(folder, &record[0]).map_err(at)?;
            if let Some(before) = seen.insert(file.clone(), line) {
                let what = format!(
                    "{} stands in line {before}, too; put all its labels into one line",
                    &record[0]
                );
                return Err(at(what));
            }
            let labels = lines.labels(&record).map_err(at)?;
            lines.rows.push(Row { line, file, labels });
        }
        if lines.rows.is_empty() {
            return Err((None, format!("names no image; {FORMS}")));
        }
        Ok(lines)
    }

    /// The labels of a line.
    fn labels(&self, record: &StringRecord) -> Result<Vec<String>, String> {
        let Some(columns) = &self.columns else {
            let labels = record[1].split(BETWEEN).map(str::trim);
            return Ok(labels.filter(|label| !label.is_empty()).map(str::to_owned).collect());
        };
        let mut labels = Vec::new();
        for (column, value) in columns.iter().zip(record.iter().skip(1)) {
            match value {
                "1" => labels.push(column.clone()),
                "0" => {}
                _ => return Err(format!("{column} = {value:?} is neither 0 nor 1; {FORMS}")),
            }
        }
        Ok(labels)
    }

    /// The names of all labels, in the order that they have in a network's outputs.
    fn classes(&self, known: Option<&[String]>) -> Result<Vec<String>, Trouble> {
        if let (Some(known), Some(columns)) = (known, &self.columns)
            && let Some(missing) = known.iter().find(|label| !columns.contains(label))
        {
            let what = format!("has no column {missing}, which the training part has; add it");
            return Err((Some(1), what));
        }
        match (known, &self.columns) {
            (Some(known), _) => Ok(known.to_vec()),
            (None, Some(columns)) => Ok(columns.clone()),
            (None, None) => {
                let all = self.rows.iter().flat_map(|row| &row.labels);
                let mut all: Vec<_> = all.cloned().collect();
                all.sort_unstable();
                all.dedup();
                match all.is_empty() {
                    true => Err((None, format!("gives no image a label; {FORMS}"))),
                    false => Ok(all),
                }
            }
        }
    }

    /// The numbers of the labels of each line.
    fn lists(&self, classes: &[String]) -> Result<Vec<Vec<u32>>, Trouble> {
        let numbers: HashMap<_, _> = classes.iter().zip(0..).collect();
        let number = |label: &String, line| {
            numbers.get(label).copied().ok_or_else(|| {
                let what = format!(
                    "the training part has no label `{label}`; add it there, or remove it here"
                );
                (Some(line), what)
            })
        };
        let list = |Row { line, labels, .. }: &Row| {
            labels.iter().map(|label| number(label, *line)).collect()
        };
        self.rows.iter().map(list).collect()
    }
}

/// The labels that head the columns, or none where each line has a list.
fn columns(header: &StringRecord) -> Result<Option<Vec<String>>, Trouble> {
    let refuse = |what: String| Err((Some(1), format!("{what}; {FORMS}")));
    if header.len() == 1 && header[0].contains(';') {
        return refuse("columns are parted by `;`, not by `,`".to_owned());
    }
    if !header.get(0).is_some_and(|name| FILE.iter().any(|file| name.eq_ignore_ascii_case(file))) {
        let first = header.get(0).unwrap_or_default();
        return refuse(format!("the first column is {first:?}, not `file`"));
    }
    let columns: Vec<_> = header.iter().skip(1).map(str::to_owned).collect();
    if matches!(&columns[..], [only] if only.eq_ignore_ascii_case(LABELS)) {
        return Ok(None);
    }
    for (index, column) in columns.iter().enumerate() {
        if column.is_empty() {
            return refuse(format!("column {} has no name", index + 2));
        }
        if columns[..index].contains(column) {
            return refuse(format!("two columns are called {column:?}"));
        }
    }
    if columns.is_empty() { refuse("there is no label".to_owned()) } else { Ok(Some(columns)) }
}

/// The file of that name, which must lie below the folder.
fn inside(folder: &Path, name: &str) -> Result<PathBuf, String> {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if name.is_empty() {
        return Err("names no file; name one, or remove the line".to_owned());
    }
    if !Path::new(name).components().all(plain) {
        return Err(format!(
            "{name:?} leads out of the folder; name files as seen from {}",
            folder.display()
        ));
    }
    let file: PathBuf = folder.components().chain(Path::new(name).components()).collect();
    match file.is_file() {
        true => Ok(file),
        false => Err(format!(
            "there is no file {name:?} in {}; correct the name, or remove the line",
            folder.display()
        )),
    }
}

/// Where a record stands: its position is that before the empty lines in front of it.
fn line_of(record: &StringRecord, bytes: &[u8]) -> u64 {
    let Some(position) = record.position() else { return 0 };
    let before = bytes.iter().skip(position.byte() as usize);
    let empty = before.take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + empty.filter(|byte| **byte == b'\n').count() as u64
}

fn refused(error: csv::Error) -> Trouble {
    let line = error.position().map(csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
            "has {len} columns, the first line {expected_len}; put names with a comma in quotes, or {FORMS}"
        ),
        csv::ErrorKind::Utf8 { .. } => "is no text in UTF-8; save the file as UTF-8".to_owned(),
        _ => format!("{error}; {FORMS}"),
    };
    (line, what)
}
