/** A node of the table as people write it by hand: version 2, priorities 100 and 90, a script a second, fall 2, rise 2. */
export interface HandWritten {
  readonly weight: number
  readonly nopreempt: boolean
}

/** The file of one node. The script succeeds while `failFile` is not there. */
export function handWritten(
  { weight, nopreempt }: HandWritten,
  node: { readonly first: boolean; readonly failFile: string; readonly address: string },
): string {
  // As in most files: but nopreempt has no effect with MASTER.
  const state = node.first && !nopreempt ? 'MASTER' : 'BACKUP'
  return `global_defs {
    router_id ${node.first ? 'a' : 'b'}
    script_user root
    enable_script_security
}
vrrp_script check {
    script "/usr/bin/test ! -e ${node.failFile}"
    interval 1
    fall 2
    rise 2
    weight ${weight}
}
vrrp_instance table {
    state ${state}
    interface eth0
    virtual_router_id 51
    priority ${node.first ? 100 : 90}
    advert_int 1
    ${nopreempt ? 'nopreempt' : ''}
    virtual_ipaddress {
        ${node.address}/24
    }
    track_script {
        check
    }
}
`
}
