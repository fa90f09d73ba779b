/** What people type when they look after a server, written as they type it: each is known to read only. Words are parted by one space. */
export const legitimate: readonly string[] = `
cat /etc/hosts
cat -n /etc/nginx/nginx.conf
cat -b /etc/fstab
cat -s /etc/os-release /etc/hostname
/usr/bin/cat /etc/nginx/nginx.conf
/bin/cat -- /etc/hosts
cat --number /etc/nginx/sites-enabled/shop
head /var/log/syslog
head -20 /var/log/nginx/error.log
head -n 50 /var/log/nginx/access.log
head -n50 /var/log/nginx/access.log
head --lines=5 /etc/passwd
head -q -n 3 /etc/hosts /etc/hostname
tail /var/log/syslog
tail -100 /var/log/nginx/error.log
tail -n 200 /var/log/nginx/access.log
tail -n +20 /etc/nginx/nginx.conf
tail --lines 40 /var/log/dpkg.log
tail -v -n 5 /var/log/syslog /var/log/auth.log
wc -l /var/log/nginx/access.log
wc /etc/passwd /etc/group
wc --lines --words /etc/hosts
diff /etc/hosts /etc/hostname
diff -u /etc/nginx/nginx.conf /etc/nginx/nginx.conf.bak
diff -uw /etc/nginx/nginx.conf /etc/nginx/nginx.conf.bak
diff --brief /etc/hosts /etc/hostname
diff -U 1 /srv/app/a.conf /srv/app/b.conf
sha256sum /etc/nginx/nginx.conf
sha256sum --tag /srv/app/app.tar
md5sum /etc/hosts
file /srv/app/current/server
file -b /etc/localtime
file --mime-type /var/log/syslog
ls /etc/nginx
ls -l /etc/nginx/sites-enabled
ls -la /srv
ls -lahtr /var/log
ls -lS /var/log/nginx
ls -1 /etc/cron.d
ls --all --human-readable /srv
ls -l --time-style=long-iso /var/log
ls -lR /etc/nginx
ls -d /srv/app
ls --color=never -l /opt
ls --sort=size -l /var/log
stat /etc/nginx/nginx.conf
stat -c %Y /var/log/syslog
stat --format=%U:%G /srv/app
stat -f /srv
du -sh /var/log
du -xh --max-depth=2 /var/log
du -h -d 1 /srv
du -ah /opt
du --inodes -s /srv
du -sh /srv /opt /var/www
df
df -h
df -hT
df -i
df -P /srv
df -h -x tmpfs
df --output=target,pcent,avail
df --total -h
readlink -f /srv/app/current
readlink /etc/localtime
realpath /srv/app/current
namei -l /srv/app/current
find /etc/nginx -name *.conf
find /var/log -type f -size +100M
find /var/log -name *.log -mtime +7 -print
find /srv -maxdepth 2 -type d
find /var/log -type f -size +50M -ls
find /etc -newermt yesterday -type f
find /srv -xdev -type f -mmin -10
find /var/log ( -name *.gz -o -name *.1 ) -print
find /srv -type l ! -name current
find /var/www -user www-data -perm 600
find /opt -empty -type f
find /var/log -type f -printf %s
date
date -u
date -R
date -Iseconds
date +%s
date +%Y-%m-%d
date --rfc-3339=seconds
systemctl
systemctl status nginx
systemctl status nginx.service --no-pager
systemctl status -n 50 nginx
systemctl status -l --no-pager ssh
systemctl is-active nginx
systemctl is-enabled nginx postgresql
systemctl is-failed nginx
systemctl --failed
systemctl list-units
systemctl list-units --failed
systemctl list-units --type=service --state=running
systemctl list-units -t service --all
systemctl list-timers
systemctl list-timers --all
systemctl list-unit-files --state=enabled
systemctl list-sockets
systemctl list-dependencies nginx
systemctl list-dependencies --reverse nginx
systemctl show -p MainPID nginx
systemctl show nginx -p ActiveState -p SubState
systemctl show --property=NRestarts,Result nginx
systemctl show --property MemoryCurrent --value nginx
journalctl -u nginx -n 100
journalctl -u nginx -n 100 --no-pager
journalctl -u nginx --since today
journalctl --unit=nginx --since=yesterday
journalctl -u nginx -p err
journalctl -p warning..err -n 20
journalctl -k -n 50
journalctl -k -b
journalctl -b-1 -n 20
journalctl --list-boots
journalctl --disk-usage
journalctl -x -n 5
journalctl -r -n 30
journalctl -o short-iso -n 10
journalctl -o cat -u cron -n 10
journalctl -t sshd -n 20
journalctl _PID=1 -n 5
journalctl -S -1h -u nginx
journalctl -u nginx -u postgresql -n 20
systemd-analyze
systemd-analyze blame
systemd-analyze critical-chain nginx.service
systemd-cgls
dmesg
dmesg -T
dmesg -Tx
dmesg -T -l err,warn
dmesg --level=err
ps
ps aux
ps auxf
ps axf
ps aux --sort=-rss
ps aux --sort=-%mem
ps -ef
ps -eF
ps -A
ps -eo pid,ppid,rss,pcpu,etimes,stat,comm --sort=-rss
ps -eo user,pid,%cpu,%mem,args --sort=-%cpu
ps -p 1
ps -p 1 -f
ps -p 1,2 -o pid,etime,comm
top -b -n 1
top -bn1
top -b -n1 -o %MEM
top -b -n 1 -w 200
pgrep nginx
pgrep -l nginx
pgrep -u www-data nginx
pidof nginx
pstree
pstree -p
pstree -pa root
free
free -m
free -h
free -ht
uptime
uptime -p
vmstat
vmstat 1 5
vmstat -s
uname -a
uname -r
hostname
hostname -f
hostname -I
id
id www-data
id -u www-data
groups www-data
whoami
nproc
arch
getent passwd www-data
getent group adm
getent services http
who
who -b
w
w -h
last
last -n 20
last -20 -F
last root
lastb -n 20
lsblk
lsblk -f
lsblk -o NAME,SIZE,FSTYPE,MOUNTPOINT
lscpu
lsmem
lsmod
findmnt
findmnt -D
findmnt -o TARGET,OPTIONS
findmnt -J -t ext4
swapon --show
swapon --show --bytes --noheadings
swapon -s
ss
ss -tulpn
ss -H -lntup
ss -s
ss -tan state established
ss -tn dport = :443
ss -tln sport = :80
netstat -tulpn
netstat -an
lsof -nP -i
lsof -nP -iTCP -sTCP:LISTEN
lsof -i:443
lsof -nP +L1
lsof -p1
ip addr
ip a
ip -br addr
ip -4 addr show dev eth0
ip -s link
ip link show
ip route
ip route show table main
ip -6 route
ip route get 192.0.2.1
ip neigh
ip rule
nft list ruleset
nft -a list ruleset
nft -n list tables
nft list table inet filter
sysctl net.ipv4.ip_forward
sysctl -n vm.swappiness
sysctl fs.file-nr net.core.somaxconn
dpkg -s nginx
dpkg -L nginx
dpkg -S /usr/sbin/nginx
dpkg --audit
dpkg-query -l nginx*
dpkg-query -l
nginx -v
`
  .trim()
  .split('\n');
