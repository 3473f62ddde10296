//! In which order records that refer to each other are deleted: each before what it holds on to. Where that goes round
//! in a circle, references are cut first. Pure.

/// The record `from` refers to `to`, and could not while `to` is deleted. Both are positions in a list, and differ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The reference may be emptied.
    pub(super) may_be_cut: bool,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Order {
    /// Holds to cut before anything is deleted, by their position in the list of holds.
    pub(super) cut: Vec<usize>,
    /// All records; of those that nothing holds, the last first.
    pub(super) records: Vec<usize>,
}

/// The order for `count` records. `None` where they go round in a circle that cannot be cut.
pub(super) fn order(count: usize, holds: &[Hold]) -> Option<Order> {
    let mut waits = vec![0usize; count];
    let mut own: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (index, hold) in holds.iter().enumerate() {
        *waits.get_mut(hold.to)? += 1;
        own.get_mut(hold.from)?.push(index);
    }
    let mut ready: Vec<usize> = (0..count).filter(|record| waits.get(*record) == Some(&0)).collect();
    let mut is_over = vec![false; holds.len()];
    let mut order = Order::default();
    loop {
        while let Some(record) = ready.pop() {
            order.records.push(record);
            for index in own.get(record)? {
                end(*index, holds, &mut is_over, &mut waits, &mut ready)?;
            }
        }
        if order.records.len() == count {
            return Some(order);
        }
        let left: Vec<usize> = (0..holds.len())
            .filter(|i| holds.get(*i).is_some_and(|hold| hold.may_be_cut) && is_over.get(*i) == Some(&false))
            .collect();
        if left.is_empty() {
            return None;
        }
        for index in &left {
            end(*index, holds, &mut is_over, &mut waits, &mut ready)?;
        }
        order.cut.extend(left);
    }
}

/// Ends a hold, once.
fn end(index: usize, holds: &[Hold], is_over: &mut [bool], waits: &mut [usize], ready: &mut Vec<usize>) -> Option<()> {
    if std::mem::replace(is_over.get_mut(index)?, true) {
        return Some(());
    }
    let to = holds.get(index)?.to;
    let waiting = waits.get_mut(to)?;
    *waiting -= 1;
    if *waiting == 0 {
        ready.push(to);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_goes_before_what_it_holds_on_to() {
        let hold = |(from, to, may_be_cut)| Hold { from, to, may_be_cut };
        let check = |count, holds: &[(usize, usize, bool)], expect: Option<(&[usize], &[usize])>| {
            let holds: Vec<Hold> = holds.iter().copied().map(hold).collect();
            let found = order(count, &holds);
            let found = found.as_ref().map(|order| (order.cut.as_slice(), order.records.as_slice()));
            assert_eq!(found, expect, "{holds:?}");
        };
        check(3, &[], Some((&[], &[2, 1, 0])));
        check(3, &[(1, 2, false)], Some((&[], &[1, 2, 0])));
        check(3, &[(1, 2, true), (0, 1, true)], Some((&[], &[0, 1, 2])));
        check(2, &[(0, 1, true), (1, 0, true)], Some((&[0, 1], &[0, 1])));
        check(2, &[(0, 1, false), (1, 0, true)], Some((&[1], &[0, 1])));
        check(3, &[(0, 1, true), (1, 0, false), (0, 1, true), (2, 0, false)], Some((&[0, 2], &[2, 1, 0])));
        check(2, &[(0, 1, false), (1, 0, false)], None);
    }
}
