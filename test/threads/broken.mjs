throw Object.assign(new Error('broken at its first line'), { code: 'E_BROKEN' })
