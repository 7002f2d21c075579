//! Charts as SVG.

use crate::stats::short;
use crate::{Failure, Result};
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use std::ops::Range;

const SIZE: (u32, u32) = (960, 480);
/// Okabe and Ito's colours, which people see apart who see colours differently.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(150, 110, 0),
    RGBColor(86, 180, 233),
];

/// Lines with points over two axes.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    /// Where the lines leave room for their names.
    pub(super) legend: SeriesLabelPosition,
    pub(super) series: Vec<Series>,
}

/// One axis.
#[derive(Debug)]
pub(super) struct Axis {
    /// What it shows, with its unit.
    pub(super) label: String,
    /// Powers of ten at equal distances; else from zero.
    pub(super) log: bool,
}

/// One line.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    /// The value holds until the next point.
    pub(super) stairs: bool,
}

impl Chart {
    pub(super) fn svg(&self) -> Result<String> {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = range(points().map(|point| point.0), self.x.log, 1.05);
        let mut y = range(points().map(|point| point.1), self.y.log, 1.3);
        if self.y.log {
            // Whole powers of ten, or the ticks between them crowd at one end.
            y = 10f64.powf(y.start.log10().floor())..10f64.powf(y.end.log10().ceil());
        }
        match (self.x.log, self.y.log) {
            (false, false) => self.draw(x, y),
            (true, false) => self.draw(x.log_scale(), y),
            (false, true) => self.draw(x, y.log_scale()),
            (true, true) => self.draw(x.log_scale(), y.log_scale()),
        }
    }

    fn draw<X, Y>(&self, x: X, y: Y) -> Result<String>
    where
        X: AsRangedCoord<Value = f64>,
        Y: AsRangedCoord<Value = f64>,
        X::CoordDescType: ValueFormatter<f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            root.fill(&WHITE).map_err(failed)?;
            let mut chart = ChartBuilder::on(&root)
                .caption(&self.title, ("sans-serif", 22))
                .margin(16)
                .x_label_area_size(52)
                .y_label_area_size(76)
                .build_cartesian_2d(x, y)
                .map_err(failed)?;
            chart
                .configure_mesh()
                .x_desc(&self.x.label)
                .y_desc(&self.y.label)
                .x_label_formatter(&|value| tick(*value))
                .y_label_formatter(&|value| tick(*value))
                .label_style(("sans-serif", 15))
                .axis_desc_style(("sans-serif", 16))
                .light_line_style(WHITE)
                .bold_line_style(RGBColor(225, 225, 225))
                .draw()
                .map_err(failed)?;
            for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
                let line = colour.stroke_width(2);
                chart
                    .draw_series(LineSeries::new(series.line(), line))
                    .map_err(failed)?
                    .label(&series.name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], line));
                if !series.stairs {
                    let dots = series.points.iter().map(|&at| Circle::new(at, 4, colour.filled()));
                    chart.draw_series(dots).map_err(failed)?;
                }
            }
            chart
                .configure_series_labels()
                .position(self.legend.clone())
                .margin(10)
                .legend_area_size(30)
                .background_style(WHITE.mix(0.85))
                .border_style(RGBColor(180, 180, 180))
                .label_font(("sans-serif", 15))
                .draw()
                .map_err(failed)?;
            root.present().map_err(failed)?;
        }
        Ok(svg)
    }
}

impl Series {
    fn line(&self) -> Vec<(f64, f64)> {
        if !self.stairs {
            return self.points.clone();
        }
        let mut line = Vec::new();
        for (index, &(x, y)) in self.points.iter().enumerate() {
            if let Some(&(_, before)) = index.checked_sub(1).map(|before| &self.points[before]) {
                line.push((x, before));
            }
            line.push((x, y));
        }
        line
    }
}

/// Room for all values, and some more at the end.
fn range(values: impl Iterator<Item = f64>, log: bool, more: f64) -> Range<f64> {
    let (mut low, mut high) = (f64::MAX, f64::MIN);
    for value in values {
        low = low.min(value);
        high = high.max(value);
    }
    match log {
        true => low * 0.85..high * more,
        false => 0.0..high * more,
    }
}

fn tick(value: f64) -> String {
    match value {
        0.0 => "0".into(),
        value if value < 1.0 => format!("{value:.2}"),
        value if value < 1_000.0 => format!("{value:.0}"),
        value => short(value).replace(".00", "").replace(".0 ", " "),
    }
}

/// Bars with their values, on a scale of powers of ten.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) title: String,
    pub(super) label: String,
    pub(super) bars: Vec<(String, f64)>,
}

impl Columns {
    pub(super) fn svg(&self) -> Result<String> {
        let count = self.bars.len() as f64;
        let y = range(self.bars.iter().map(|bar| bar.1), true, 1.5);
        let low = y.start.min(10.0);
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
            root.fill(&WHITE).map_err(failed)?;
            let mut chart = ChartBuilder::on(&root)
                .caption(&self.title, ("sans-serif", 22))
                .margin(16)
                .x_label_area_size(36)
                .y_label_area_size(76)
                .build_cartesian_2d(0.0..count, (low..y.end).log_scale())
                .map_err(failed)?;
            let name = |value: &f64| match self.bars.get(value.floor() as usize) {
                Some((name, _)) if (value.fract() - 0.5).abs() < 1e-6 => name.clone(),
                _ => String::new(),
            };
            chart
                .configure_mesh()
                .disable_x_mesh()
                .x_labels(2 * self.bars.len() + 1)
                .x_label_formatter(&name)
                .y_desc(&self.label)
                .y_label_formatter(&|value| tick(*value))
                .label_style(("sans-serif", 15))
                .axis_desc_style(("sans-serif", 16))
                .light_line_style(WHITE)
                .bold_line_style(RGBColor(225, 225, 225))
                .draw()
                .map_err(failed)?;
            let bars = self.bars.iter().enumerate().map(|(index, (_, value))| {
                let left = index as f64;
                Rectangle::new([(left + 0.2, low), (left + 0.8, *value)], COLOURS[0].filled())
            });
            chart.draw_series(bars).map_err(failed)?;
            let texts = self.bars.iter().enumerate().map(|(index, (_, value))| {
                let at = (index as f64 + 0.42, value * 1.35);
                Text::new(format!("{value:.0}"), at, ("sans-serif", 16))
            });
            chart.draw_series(texts).map_err(failed)?;
            root.present().map_err(failed)?;
        }
        Ok(svg)
    }
}

fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> Failure {
    format!("a chart could not be drawn: {error}").into()
}
