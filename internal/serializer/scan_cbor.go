package serializer

var cborSyntax = makeSyntax(cborShape)

func cborShape(c byte) shape {
	s := cborClass(c)
	s.kind = cborKind(c)
	return s
}

func cborClass(c byte) shape {
	info := c & cborInfo
	switch {
	case info < cborUint8:
		return cborShortShape(c&^cborInfo, info)
	case info <= cborUint64:
		return cborLongShape(c, 1<<(info-cborUint8))
	case info < cborIndefinite:
		return shape{class: reserved}
	}
	switch c &^ cborInfo {
	case cborBytes, cborText:
		return shape{class: chunked}
	case cborArray:
		return shape{class: endless, b: endlessList}
	case cborMap:
		return shape{class: endless, b: endlessMap}
	case cborSimple:
		return shape{class: stop}
	default:
		return shape{class: reserved}
	}
}

// cborShortShape is the shape of a value whose argument is in its first byte.
func cborShortShape(major, n byte) shape {
	switch major {
	case cborBytes, cborText:
		return shape{class: leaf, a: 1 + n}
	case cborArray:
		return shape{class: few, a: n}
	case cborMap:
		return shape{class: few, a: 2 * n}
	case cborTag:
		return shape{class: tagged, a: 1}
	default:
		return shape{class: leaf, a: 1}
	}
}

// cborLongShape is the shape of a value whose argument is in the bytes behind the first one, c.
func cborLongShape(c, width byte) shape {
	switch c &^ cborInfo {
	case cborBytes, cborText:
		return shape{class: sized, a: width}
	case cborArray:
		return shape{class: counted, a: width, b: 1}
	case cborMap:
		return shape{class: counted, a: width, b: 2}
	case cborTag:
		return shape{class: tagged, a: 1 + width}
	}
	if c == cborSimple8 {
		return shape{class: simple}
	}
	return shape{class: leaf, a: 1 + width}
}

func cborKind(c byte) headKind {
	switch c &^ cborInfo {
	case cborUnsigned:
		return isNumber
	case cborText:
		return isText
	case cborArray:
		return isList
	case cborMap:
		return isDict
	case cborTag:
		return isTagged
	}
	switch c {
	case cborFalse:
		return isFalse
	case cborTrue:
		return isTrue
	case cborNull, cborUndefined:
		return isNull
	case cborFloat16, cborFloat32, cborFloat64:
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
	if b[pos+1] <= cborInfo {
		return pos, badByte
	}
	return pos + 2, nil
}

// skipChunks returns the end of the text or byte string of indefinite length at pos. Its pieces have definite ones.
func skipChunks(b []byte, pos int) (end int, err error) {
	major := b[pos] &^ cborInfo
	for pos++; pos < len(b); {
		if b[pos] == cborBreak {
			return pos + 1, nil
		}
		s := cborSyntax.shapes[b[pos]]
		switch {
		case b[pos]&^cborInfo != major:
			return pos, badByte
		case s.class == leaf:
			pos += int(s.a)
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
