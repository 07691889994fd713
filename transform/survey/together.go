package survey

// slotSet is a set of slots.
type slotSet []uint64

func (b slotSet) has(i int) bool { return i>>6 < len(b) && b[i>>6]>>(i&63)&1 == 1 }

func (b *slotSet) add(i int) {
	for i>>6 >= len(*b) {
		*b = append(*b, 0)
	}
	(*b)[i>>6] |= 1 << (i & 63)
}

// meet notes that the members of the parts were there in one instance, and
// more than null.
func (sc *scope) meet(parts []part) {
	for _, p := range parts {
		if p.member.slot < 0 || p.class == noClass {
			continue
		}
		b := sc.of(p.member.slot)
		for _, q := range parts {
			if q.member.slot >= 0 && q.class != noClass {
				b.add(q.member.slot)
			}
		}
	}
}

// of gives the slots seen together with one.
func (sc *scope) of(slot int) *slotSet {
	for slot >= len(sc.together) {
		sc.together = append(sc.together, nil)
	}
	return &sc.together[slot]
}

// remeet takes over which members of other slots were there together.
func (sc *scope) remeet(slots []*member, together []slotSet) {
	for i, b := range together {
		m := slots[i].current()
		if m == nil || m.slot < 0 {
			continue
		}
		for j := range slots {
			if !b.has(j) {
				continue
			}
			if n := slots[j].current(); n != nil && n.slot >= 0 {
				sc.of(m.slot).add(n.slot)
			}
		}
	}
}

// exclude tells whether two members of the scope were never there together,
// and whether that is known.
func (sc *scope) exclude(a, b *member) bool {
	return a.slot >= 0 && b.slot >= 0 && a.slot < len(sc.together) && !sc.together[a.slot].has(b.slot)
}
