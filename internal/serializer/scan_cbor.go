package serializer

import "github.com/tandemrouter/tandem/internal/serializer/format"

var cborSyntax = makeSyntax(cborShape)

func cborShape(c byte) shape {
	s := cborClass(c)
	s.kind = cborKind(c)
	return s
}

func cborClass(c byte) shape {
	info := c & format.CBORInfo
	switch {
	case info < format.CBORUint8:
		return cborShortShape(c&^format.CBORInfo, info)
	case info <= format.CBORUint64:
		return cborLongShape(c, 1<<(info-format.CBORUint8))
	case info < format.CBORIndefinite:
		return shape{class: reserved}
	}
	switch c &^ format.CBORInfo {
	case format.CBORBytes, format.CBORText:
		return shape{class: chunked}
	case format.CBORArray:
		return shape{class: endless, m: endlessList}
	case format.CBORMap:
		return shape{class: endless, m: endlessMap}
	case format.CBORSimple:
		return shape{class: stop}
	default:
		return shape{class: reserved}
	}
}

// cborShortShape is the shape of a value whose argument is in its first byte.
func cborShortShape(major, n byte) shape {
	switch major {
	case format.CBORBytes, format.CBORText:
		return shape{class: leaf, n: 1 + n}
	case format.CBORArray:
		return shape{class: few, n: n}
	case format.CBORMap:
		return shape{class: few, n: 2 * n}
	case format.CBORTag:
		return shape{class: tagged, n: 1}
	default:
		return shape{class: leaf, n: 1}
	}
}

// cborLongShape is the shape of a value whose argument is in the bytes behind the first one, c.
func cborLongShape(c, width byte) shape {
	switch c &^ format.CBORInfo {
	case format.CBORBytes, format.CBORText:
		return shape{class: sized, n: width}
	case format.CBORArray:
		return shape{class: counted, n: width, m: 1}
	case format.CBORMap:
		return shape{class: counted, n: width, m: 2}
	case format.CBORTag:
		return shape{class: tagged, n: 1 + width}
	}
	if c == format.CBORSimple8 {
		return shape{class: simple}
	}
	return shape{class: leaf, n: 1 + width}
}

func cborKind(c byte) headKind {
	switch c &^ format.CBORInfo {
	case format.CBORUnsigned:
		return isNumber
	case format.CBORText:
		return isText
	case format.CBORArray:
		return isList
	case format.CBORMap:
		return isDict
	case format.CBORTag:
		return isTagged
	}
	switch c {
	case format.CBORFalse:
		return isFalse
	case format.CBORTrue:
		return isTrue
	case format.CBORNull, format.CBORUndefined:
		return isNull
	case format.CBORFloat16, format.CBORFloat32, format.CBORFloat64:
		return isNumber
	default:
		return isOther
	}
}

// skipSimple returns the end of the simple value at pos that has a byte of its own. It must need it.
func skipSimple(b []byte, pos int) (end int, err error) {
	if pos+1 >= len(b) {
		return pos, badEnd
	}
	if b[pos+1] <= format.CBORInfo {
		return pos, badByte
	}
	return pos + 2, nil
}

// skipChunks returns the end of the text or byte string of indefinite length at pos. Its pieces have definite ones.
func skipChunks(b []byte, pos int) (end int, err error) {
	major := b[pos] &^ format.CBORInfo
	for pos++; pos < len(b); {
		if b[pos] == format.CBORBreak {
			return pos + 1, nil
		}
		s := cborSyntax.shapes[b[pos]]
		switch {
		case b[pos]&^format.CBORInfo != major:
			return pos, badByte
		case s.class == leaf:
			pos += int(s.n)
		case s.class == sized:
			if pos, err = s.skip(b, pos); err != nil {
				return pos, err
			}
		default:
			return pos, badByte
		}
	}
	return pos, badEnd
}
