//! `csv:PATH`.

use super::Opened;
use crate::plan::{Kind, Plan};
use crate::rows::{Rows, Table};
use crate::source::Input;
use crate::url::Url;
use crate::value::Value;
use engine::{
    Batch as _, Error, Fill, Fingerprint, Limit, Origin, Position, Result, Size, Source as _,
};
use trommel_connect::csv::{Batch, Row, Source, Trim};

/// Opens a file; `-` is standard input.
pub(super) fn open(url: &Url) -> Result<Opened> {
    let mut settings = url.settings();
    let mut builder = Source::builder();
    if let Some(byte) = settings.byte("delimiter")? {
        builder = builder.delimiter(byte);
    }
    if let Some(byte) = settings.byte("quote")? {
        builder = builder.quote(byte);
    }
    if let Some(byte) = settings.byte("escape")? {
        builder = builder.escape(byte);
    }
    if let Some(byte) = settings.byte("comment")? {
        builder = builder.comment(byte);
    }
    if let Some(on) = settings.flag("quoting")? {
        builder = builder.quoting(on);
    }
    if let Some(on) = settings.flag("double_quote")? {
        builder = builder.double_quote(on);
    }
    if let Some(on) = settings.flag("has_headers")? {
        builder = builder.has_headers(on);
    }
    if let Some(names) = settings.list("headers") {
        builder = builder.headers(names);
    }
    if let Some(nulls) = settings.list("nulls") {
        builder = builder.nulls(nulls);
    }
    if let Some(on) = settings.flag("flexible")? {
        builder = builder.flexible(on);
    }
    if let Some(on) = settings.flag("lenient_eof")? {
        builder = builder.lenient_eof(on);
    }
    if let Some(bytes) = settings.number("block_size")? {
        builder = builder.block_size(bytes);
    }
    let trim = settings.read("trim", "none, headers, fields or all", |text| match text {
        "none" => Some(Trim::None),
        "headers" => Some(Trim::Headers),
        "fields" => Some(Trim::Fields),
        "all" => Some(Trim::All),
        _ => None,
    })?;
    if let Some(trim) = trim {
        builder = builder.trim(trim);
    }
    settings.end()?;
    let source = if url.path == "-" { builder.stdin()? } else { builder.open(&url.path)? };
    let names = source.headers().map(str::to_owned).collect();
    Ok(Opened { input: Box::new(Csv(source)), names })
}

struct Csv(Source);

impl Input for Csv {
    fn fill(&mut self, rows: &mut Rows, limit: &Limit<'_>, _: &Plan) -> Result<Fill> {
        if let Rows::Table(table) = rows
            && let Some(batch) = table.any().downcast_mut::<Batch>()
        {
            return self.0.fill(batch, limit);
        }
        let mut batch = Box::new(Batch::default());
        let filled = self.0.fill(&mut batch, limit);
        *rows = Rows::Table(batch);
        filled
    }

    fn position(&self) -> Option<Position> {
        self.0.position()
    }

    fn seek(&mut self, position: &Position) -> Result<()> {
        self.0.seek(position)
    }

    fn fingerprint(&self) -> Result<Option<Fingerprint>> {
        self.0.fingerprint()
    }

    fn size(&self) -> Size {
        self.0.size()
    }

    fn bytes_read(&self) -> u64 {
        self.0.bytes_read()
    }
}

impl Table for Batch {
    fn len(&self) -> usize {
        engine::Batch::len(self)
    }

    fn bytes(&self) -> usize {
        engine::Batch::bytes(self)
    }

    fn decode(&mut self, plan: &Plan, values: &mut Vec<Value>, bad: &mut Vec<(usize, Error)>) {
        values.reserve(engine::Batch::len(self) * plan.inputs.len());
        let mut index = 0;
        // The closure refuses nothing, so the walk goes to the end.
        let _ = self.for_each(0, |row| {
            let start = values.len();
            let decoded = row.and_then(|row| decode(row, plan, values));
            if let Err(error) = decoded {
                values.truncate(start);
                values.resize(start + plan.inputs.len(), Value::NULL);
                bad.push((index, error));
            }
            index += 1;
            Ok(())
        });
    }

    fn split_off(&mut self, at: usize) -> Option<Box<dyn Table>> {
        let mut tail = Box::new(Batch::default());
        engine::Batch::split_off(self, at, &mut tail).then_some(tail as Box<dyn Table>)
    }

    fn locate(&self, rows: &[usize], found: &mut dyn FnMut(usize, Origin, &[u8])) {
        engine::Batch::locate(self, rows, found);
    }

    fn any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

fn decode(row: Row<'_>, plan: &Plan, values: &mut Vec<Value>) -> Result<()> {
    let too_long = || Error::row("a field is longer than 4 GiB");
    for &(index, kind) in &plan.inputs {
        let value = match kind {
            Kind::Text => row
                .get::<Option<&str>>(index)?
                .map_or(Some(Value::NULL), |text| Value::text(text.as_bytes())),
            Kind::Blob => match row.is_null(index)? {
                true => Some(Value::NULL),
                false => Value::blob(row.bytes(index)?),
            },
            Kind::Integer => {
                Some(row.get::<Option<i64>>(index)?.map_or(Value::NULL, Value::integer))
            }
            Kind::Real => Some(row.get::<Option<f64>>(index)?.map_or(Value::NULL, Value::real)),
            Kind::Boolean => {
                let flag = row.get::<Option<bool>>(index)?;
                Some(flag.map_or(Value::NULL, |flag| Value::integer(i64::from(flag))))
            }
        };
        values.push(value.ok_or_else(too_long)?);
    }
    Ok(())
}
