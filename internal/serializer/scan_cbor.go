package serializer

// scanCBOR checks the message and finds its elements.
func (m *scanned) scanCBOR() error {
	b := m.input
	if len(b) == 0 {
		return badEnd
	}
	if b[0]&^cborInfo != cborArray {
		return badNoList
	}
	if b[0]&cborInfo == cborIndefinite {
		return m.scanCBORUntilBreak()
	}
	n, pos, err := cborArgument(b, 0)
	if err != nil {
		return err
	}
	for range n {
		if pos, err = m.addCBOR(pos); err != nil {
			return err
		}
	}
	if pos != len(b) {
		return badTrailing
	}
	return nil
}

func (m *scanned) scanCBORUntilBreak() error {
	pos := 1
	for pos < len(m.input) && m.input[pos] != cborBreak {
		var err error
		if pos, err = m.addCBOR(pos); err != nil {
			return err
		}
	}
	switch {
	case pos >= len(m.input):
		return badEnd
	case pos+1 != len(m.input):
		return badTrailing
	default:
		return nil
	}
}

func (m *scanned) addCBOR(pos int) (end int, err error) {
	end, err = skipCBOR(m.input, pos)
	if err == nil && !m.add(span{pos, end}) {
		err = badLength
	}
	return end, err
}

// cborWidths has, for additional information, how many bytes of argument follow; 0xff marks what is reserved.
var cborWidths = [32]uint8{24: 1, 25: 2, 26: 4, 27: 8, 28: 0xff, 29: 0xff, 30: 0xff}

// cborArgument reads the head at pos: the argument that is in its first byte or follows it.
func cborArgument(b []byte, pos int) (arg uint64, next int, err error) {
	info := b[pos] & cborInfo
	if info < 24 {
		return uint64(info), pos + 1, nil
	}
	width := cborWidths[info]
	if width == 0 || width == 0xff { // indefinite where a number is needed, or reserved
		return 0, pos, badByte
	}
	arg, next, ok := bigEndian(b, pos+1, int(width))
	if !ok {
		return 0, pos, badEnd
	}
	return arg, next, nil
}

// untilBreak is what an indefinite container still wants: values until a break comes. Bit 0 is the parity of how many
// have come, because a dictionary must have an even number.
const untilBreak = 1 << 63

// cborWalk is the state of walking over a value.
type cborWalk struct {
	outer [maxDepth]uint64 // how many values the surrounding containers still want
	kinds [maxDepth]byte   // the major types of the containers
	depth int
	left  uint64 // how many values the innermost container still wants
}

// skipCBOR returns the end of the value at pos.
func skipCBOR(b []byte, pos int) (end int, err error) {
	var w cborWalk
	w.left = 1
	for {
		for w.left == 0 {
			if w.depth == 0 {
				return pos, nil
			}
			w.leave()
		}
		if pos >= len(b) {
			return pos, badEnd
		}
		if c := b[pos]; c < 24 || c >= 0x20 && c < 0x38 { // small integers
			w.count()
			pos++
			continue
		}
		if pos, err = w.step(b, pos); err != nil {
			return pos, err
		}
	}
}

// count takes one value off what the container wants.
func (w *cborWalk) count() {
	if w.left&untilBreak != 0 {
		w.left ^= 1
		return
	}
	w.left--
}

func (w *cborWalk) enter(kind byte, left uint64) error {
	if w.depth == maxDepth-1 {
		return badDepth
	}
	w.outer[w.depth], w.kinds[w.depth] = w.left, kind
	w.depth++
	w.left = left
	return nil
}

func (w *cborWalk) leave() {
	w.depth--
	w.left = w.outer[w.depth]
}

// step walks over the head at pos, and over what belongs to it unless that is values.
func (w *cborWalk) step(b []byte, pos int) (next int, err error) {
	c := b[pos]
	if c == cborBreak {
		return pos + 1, w.closeIndefinite()
	}
	kind := c &^ cborInfo
	if c&cborInfo == cborIndefinite {
		return w.openIndefinite(b, pos, kind)
	}
	arg, next, err := cborArgument(b, pos)
	if err != nil {
		return next, err
	}
	switch kind {
	case cborBytes, cborText:
		w.count()
		return skipBytes(b, next, arg)
	case cborArray, cborMap:
		w.count()
		return next, w.open(b, next, kind, arg)
	case cborTag:
		w.count()
		return next, w.enter(kind, 1)
	case cborSimple:
		if c == 0xf8 && arg < 32 {
			return next, badByte
		}
	}
	w.count()
	return next, nil
}

func skipBytes(b []byte, pos int, n uint64) (int, error) {
	if n > uint64(len(b)-pos) {
		return pos, badEnd
	}
	return pos + int(n), nil
}

// open enters a container that says how many values it has.
func (w *cborWalk) open(b []byte, pos int, kind byte, n uint64) error {
	if n > uint64(len(b)-pos) { // each value takes a byte at least
		return badEnd
	}
	if kind == cborMap {
		n *= 2
	}
	return w.enter(kind, n)
}

func (w *cborWalk) openIndefinite(b []byte, pos int, kind byte) (next int, err error) {
	switch kind {
	case cborArray, cborMap:
		w.count()
		return pos + 1, w.enter(kind, untilBreak)
	case cborBytes, cborText:
		w.count()
		return skipChunks(b, pos+1, kind)
	default:
		return pos, badByte
	}
}

func (w *cborWalk) closeIndefinite() error {
	if w.left&untilBreak == 0 { // not in a container of indefinite length
		return badByte
	}
	if w.kinds[w.depth-1] == cborMap && w.left&1 != 0 {
		return badByte
	}
	w.leave()
	return nil
}

// skipChunks walks over the pieces of a text or byte string of indefinite length.
func skipChunks(b []byte, pos int, kind byte) (int, error) {
	for pos < len(b) {
		c := b[pos]
		if c == cborBreak {
			return pos + 1, nil
		}
		if c&^cborInfo != kind || c&cborInfo == cborIndefinite {
			return pos, badByte
		}
		n, next, err := cborArgument(b, pos)
		if err != nil {
			return pos, err
		}
		if pos, err = skipBytes(b, next, n); err != nil {
			return pos, err
		}
	}
	return pos, badEnd
}
