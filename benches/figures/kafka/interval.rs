//! Medians and percentiles.

/// The median; of an even count, the mean of the two in the middle.
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle).copied().unwrap_or(f64::NAN);
    let lower = if sorted.len().is_multiple_of(2) { sorted.get(middle.wrapping_sub(1)).copied() } else { None };
    f64::midpoint(upper, lower.unwrap_or(upper))
}

/// The smallest sample that at least `per_mille` thousandths are not above. `sorted` is.
pub fn per_mille(sorted: &[f64], per_mille: usize) -> f64 {
    let rank = (sorted.len() * per_mille).div_ceil(1_000);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// A count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub const fn number(count: usize) -> f64 {
    count as f64
}
