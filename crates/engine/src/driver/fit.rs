//! What a stage's time for a batch is made of.

/// What a fit knows before it has seen anything, ns: handing a batch over costs about a microsecond.
const PRIOR_BATCH_NS: f64 = 1_000.0;
/// Weight of a fit's past when a sample arrives: half of it is gone after 20 samples.
const FADE: f64 = 0.966;
/// Residual, relative to the prediction, beyond which a sample speaks against the fit.
const DRIFT: f64 = 0.6;
/// Samples in a row that must speak against a fit before it is thrown away.
const DRIFT_RUN: u32 = 4;

/// `t(b) = per_batch + per_row · b`, fitted to samples that fade.
#[derive(Debug, Default)]
pub(super) struct Fit {
    weight: f64,
    rows: f64,
    ns: f64,
    rows_rows: f64,
    rows_ns: f64,
    pub(super) per_batch: f64,
    pub(super) per_row: f64,
    against: u32,
}

impl Fit {
    pub(super) fn is_known(&self) -> bool {
        self.weight > 0.0
    }

    pub(super) fn add(&mut self, rows: f64, ns: f64) {
        let predicted = self.per_batch + self.per_row * rows;
        if self.weight > 3.0 && (ns - predicted).abs() > DRIFT * predicted {
            self.against += 1;
            if self.against >= DRIFT_RUN {
                *self = Fit::default();
            } else {
                // Alone it is an outlier: a thread that lost its core for a while.
                return;
            }
        } else {
            self.against = 0;
        }
        self.weight = self.weight * FADE + 1.0;
        self.rows = self.rows * FADE + rows;
        self.ns = self.ns * FADE + ns;
        self.rows_rows = self.rows_rows * FADE + rows * rows;
        self.rows_ns = self.rows_ns * FADE + rows * ns;
        self.solve();
    }

    /// Ridge regression towards the prior for `per_batch`: with the sizes close together the data
    /// alone can't tell `per_batch` from `per_row`.
    fn solve(&mut self) {
        let mean_rows = self.rows / self.weight;
        let mean_ns = self.ns / self.weight;
        let spread = (self.rows_rows / self.weight - mean_rows * mean_rows).max(0.0);
        let covariance = self.rows_ns / self.weight - mean_rows * mean_ns;
        let prior_slope = ((mean_ns - PRIOR_BATCH_NS) / mean_rows.max(1.0)).max(0.0);
        // The prior weighs as much as a spread of 10 % of the mean size.
        let ridge = 0.01 * mean_rows * mean_rows + 1e-9;
        let slope = (covariance + prior_slope * ridge) / (spread + ridge);
        self.per_row = slope.clamp(0.0, mean_ns / mean_rows.max(1e-9));
        self.per_batch = (mean_ns - self.per_row * mean_rows).max(0.0);
    }

    /// What a row took, with its part of what the batches cost.
    pub(super) fn mean_per_row(&self) -> f64 {
        self.ns / self.rows.max(1e-9)
    }

    /// Fewest rows at which the batch's own cost is at most `share` of its time.
    pub(super) fn rows_for_share(&self, share: f64) -> f64 {
        rows_for_share(self.per_batch, self.per_row, share)
    }
}

/// Fewest rows of `per_row` ns at which `per_batch` ns are at most `share` of the time.
pub(super) fn rows_for_share(per_batch: f64, per_row: f64, share: f64) -> f64 {
    per_batch * (1.0 - share) / (share * per_row.max(1e-3))
}
